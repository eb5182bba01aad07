from payouts.enums import (
    CYCLE_REOPENING,
    GROUP_VERIFICATION,
    GROUP_VERIFICATION_REVOCATION,
    MEMBER_ERASURE,
)
from payouts.services.erasure import describe_erasure, erase_member
from payouts.services.groups import describe_group, revoke_verification, verify_group
from payouts.services.reopening import describe_reopening, reopen_cycle
from sunusav.core.approvals import Approvable

__all__ = ["APPROVABLES", "CYCLE_REOPENING", "GROUP_VERIFICATION", "GROUP_VERIFICATION_REVOCATION"]

PROPOSE = "payouts.propose_group_verification"
APPROVE = "payouts.approve_group_verification"

APPROVABLES = [
    Approvable(
        kind=CYCLE_REOPENING,
        propose_permission="payouts.propose_cycle_reopening",
        approve_permission="payouts.approve_cycle_reopening",
        describe=describe_reopening,
        apply=reopen_cycle,
    ),
    Approvable(
        kind=MEMBER_ERASURE,
        propose_permission="payouts.propose_member_erasure",
        approve_permission="payouts.approve_member_erasure",
        describe=describe_erasure,
        apply=erase_member,
    ),
    Approvable(
        kind=GROUP_VERIFICATION,
        propose_permission=PROPOSE,
        approve_permission=APPROVE,
        describe=describe_group,
        apply=verify_group,
    ),
    Approvable(
        kind=GROUP_VERIFICATION_REVOCATION,
        propose_permission=PROPOSE,
        approve_permission=APPROVE,
        describe=describe_group,
        apply=revoke_verification,
    ),
]
