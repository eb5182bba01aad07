from sunusav.core.approvals import Approvable
from transfers.engine.resolving import apply_resolution
from transfers.services.resolutions import MANUAL_RESOLUTION, describe_resolution

APPROVABLES = [
    Approvable(
        kind=MANUAL_RESOLUTION,
        propose_permission="transfers.propose_resolution",
        approve_permission="transfers.approve_resolution",
        describe=describe_resolution,
        apply=apply_resolution,
    )
]
