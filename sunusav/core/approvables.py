from sunusav.core.approvals import Approvable
from sunusav.core.second_factor_resets import SECOND_FACTOR_RESET, describe_reset, reset_second_factor
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
        kind=SECOND_FACTOR_RESET,
        propose_permission="core.propose_second_factor_reset",
        approve_permission="core.approve_second_factor_reset",
        describe=describe_reset,
        apply=reset_second_factor,
    ),
]
