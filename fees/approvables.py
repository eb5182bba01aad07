from fees.services import FEE_SCHEDULE, describe_schedule, publish_schedule
from sunusav.core.approvals import Approvable

APPROVABLES = [
    Approvable(
        kind=FEE_SCHEDULE,
        propose_permission="fees.propose_fee_schedule",
        approve_permission="fees.publish_fee_schedule",
        describe=describe_schedule,
        apply=publish_schedule,
    )
]
