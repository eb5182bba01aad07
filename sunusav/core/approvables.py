from sunusav.core.approvals import Approvable
from sunusav.core.band_services import APPROVAL_BAND, adopt_band, approvals_in_force, describe_band
from sunusav.core.second_factor_resets import (
    SECOND_FACTOR_RESET,
    describe_reset,
    require_another_person,
    reset_second_factor,
)
from sunusav.core.switches import describe_resume, resume_outgoing

OUTGOING_RESUME = "outgoing_resume"

APPROVABLES = [
    Approvable(
        kind=OUTGOING_RESUME,
        propose_permission="core.propose_resume_outgoing",
        approve_permission="core.approve_resume_outgoing",
        describe=describe_resume,
        apply=resume_outgoing,
    ),
    Approvable(
        kind=APPROVAL_BAND,
        propose_permission="core.propose_approval_band",
        approve_permission="core.approve_approval_band",
        describe=describe_band,
        apply=adopt_band,
        least_approvals=approvals_in_force,
    ),
    Approvable(
        kind=SECOND_FACTOR_RESET,
        propose_permission="core.propose_second_factor_reset",
        approve_permission="core.approve_second_factor_reset",
        describe=describe_reset,
        apply=reset_second_factor,
        require_uninvolved=require_another_person,
    ),
]
