from sunusav.core.approvals import Approvable
from transfers.engine.resolving import apply_resolution
from transfers.services.exceptions import PAYMENT_EXCEPTION, describe_exception, grant_exception
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
        kind=PAYMENT_EXCEPTION,
        propose_permission="transfers.propose_payment_exception",
        approve_permission="transfers.approve_payment_exception",
        describe=describe_exception,
        apply=grant_exception,
    ),
]
