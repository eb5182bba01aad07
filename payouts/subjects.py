from functools import partial

from django.utils.translation import gettext_lazy as _

from payouts.calculations import CONTRIBUTION, CYCLE, REFUND
from sunusav.core.subjects import SubjectKind, kind_of_rows, row_exists

SUBJECT_KINDS = [
    # A person in all their groups: no page of one row shows them.
    SubjectKind(
        "member", exists=partial(row_exists, "payouts.member", field="user_id"), label=_("member %(key)s")
    ),
    kind_of_rows("group", model="payouts.group", label=_("group %(key)s")),
    kind_of_rows(CYCLE, model="payouts.cycle", label=_("cycle %(key)s")),
    kind_of_rows(CONTRIBUTION, model="payouts.contribution", label=_("contribution %(key)s")),
    kind_of_rows(REFUND, model="payouts.refund", label=_("refund %(key)s")),
]
