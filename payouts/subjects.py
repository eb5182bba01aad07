from django.utils.translation import gettext_lazy as _

from payouts.calculations import CONTRIBUTION, CYCLE, REFUND
from sunusav.core.privacy import is_known
from sunusav.core.subjects import SubjectKind, kind_of_rows
from transfers.types import member_ref


def _has_member(user_id: str) -> bool:
    return is_known(member_ref(user_id))


SUBJECT_KINDS = [
    kind_of_rows("group", model="payouts.group", label=_("group %(key)s")),
    kind_of_rows(CYCLE, model="payouts.cycle", label=_("cycle %(key)s")),
    kind_of_rows(CONTRIBUTION, model="payouts.contribution", label=_("contribution %(key)s")),
    kind_of_rows(REFUND, model="payouts.refund", label=_("refund %(key)s")),
    SubjectKind("member", exists=_has_member, label=_("member %(key)s")),
]
