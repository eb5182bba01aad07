from sunusav.core.approvals import Approvable
from transfers.engine.resolving import apply_resolution
from transfers.services.limit_waivers import LIMIT_WAIVER, describe_waiver, grant_waiver
from transfers.services.limits import PAYMENT_LIMIT, describe_limit, set_limit
from transfers.services.resolutions import MANUAL_RESOLUTION, describe_resolution

APPROVABLES = [
    Approvable(
        kind=MANUAL_RESOLUTION,
        propose_permission="transfers.propose_resolution",
        approve_permission="transfers.approve_resolution",
        describe=describe_resolution,
        apply=apply_resolution,
    ),
    Approvable(
        kind=PAYMENT_LIMIT,
        propose_permission="transfers.propose_payment_limit",
        approve_permission="transfers.approve_payment_limit",
        describe=describe_limit,
        apply=set_limit,
    ),
    Approvable(
        kind=LIMIT_WAIVER,
        propose_permission="transfers.propose_payment_exception",
        approve_permission="transfers.approve_payment_exception",
        describe=describe_waiver,
        apply=grant_waiver,
    ),
]
