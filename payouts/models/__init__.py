from payouts.models.contribution import Contribution
from payouts.models.cycle import Cycle, CycleReopening
from payouts.models.erasure import MemberErasure
from payouts.models.group import Group, Member
from payouts.models.proposed import ProposedCorrection, ProposedDestination, ProposedExchange, ProposedRefund
from payouts.models.refund import Refund

__all__ = [
    "Contribution",
    "Cycle",
    "CycleReopening",
    "Group",
    "Member",
    "MemberErasure",
    "ProposedCorrection",
    "ProposedDestination",
    "ProposedExchange",
    "ProposedRefund",
    "Refund",
]
