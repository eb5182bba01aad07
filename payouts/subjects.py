from django.utils.translation import gettext_lazy as _

from payouts.calculations import CONTRIBUTION, CYCLE
from sunusav.core.subjects import kind_of_rows

SUBJECT_KINDS = [
    kind_of_rows("group", model="payouts.group", label=_("group %(key)s")),
    kind_of_rows(CYCLE, model="payouts.cycle", label=_("cycle %(key)s")),
    kind_of_rows(CONTRIBUTION, model="payouts.contribution", label=_("contribution %(key)s")),
]
