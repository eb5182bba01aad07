from sunusav.core.approvals import Approvable
from sunusav.core.switches import describe_resume, resume_outgoing

OUTGOING_RESUME = "outgoing_resume"

APPROVABLES = [
    Approvable(
        kind=OUTGOING_RESUME,
        propose_permission="core.propose_resume_outgoing",
        approve_permission="core.approve_resume_outgoing",
        describe=describe_resume,
        apply=resume_outgoing,
    )
]
