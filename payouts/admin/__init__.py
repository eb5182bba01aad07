"""Tontines in the admin, read-only, with actions; a module per noun."""

from payouts.admin import evidence, group_evidence
from payouts.admin.cycles import ContributionAdmin, CycleAdmin, CycleReopeningAdmin
from payouts.admin.groups import GroupAdmin
from payouts.admin.members import MemberAdmin
from payouts.admin.people import MemberErasureAdmin
from payouts.admin.refunds import ProposedRefundAdmin, RefundAdmin

__all__ = [
    "ContributionAdmin",
    "CycleAdmin",
    "CycleReopeningAdmin",
    "GroupAdmin",
    "MemberAdmin",
    "MemberErasureAdmin",
    "ProposedRefundAdmin",
    "RefundAdmin",
    "evidence",
    "group_evidence",
]
