from functools import partial

from django.utils.translation import gettext_lazy as _

from sunusav.core.subjects import SubjectKind, row_exists

SUBJECT_KINDS = [
    SubjectKind(
        "discount",
        exists=partial(row_exists, "fees.discountgrant", field="holder"),
        label=_("discount of %(key)s"),
    )
]
