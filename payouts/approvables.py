from payouts.enums import GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION
from payouts.services.groups import describe_group, revoke_verification, verify_group
from sunusav.core.approvals import Approvable

__all__ = ["APPROVABLES", "GROUP_VERIFICATION", "GROUP_VERIFICATION_REVOCATION"]

PROPOSE = "payouts.propose_group_verification"
APPROVE = "payouts.approve_group_verification"

APPROVABLES = [
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
