from functools import partial

from django.utils.translation import gettext_lazy as _

from sunusav.core.subjects import SubjectKind, row_exists

SUBJECT_KINDS = [
    SubjectKind(
        "schedule",
        exists=partial(row_exists, "django_celery_beat.periodictask", field="name"),
        label=_("schedule %(key)s"),
    )
]
