from payouts.models.contribution import Contribution
from payouts.models.cycle import Cycle, CycleReopening
from payouts.models.group import Group, Member
from payouts.models.refund import Refund

__all__ = ["Contribution", "Cycle", "CycleReopening", "Group", "Member", "Refund"]
