from sunusav.core.models.approval import FOUR_EYES, Approval, DecidedByTwo, Proposal, ProposalState
from sunusav.core.models.attachment import Attachment, MediaType
from sunusav.core.models.band import EVERY_KIND, MOST_APPROVALS, ApprovalBand, ApprovalBandRequest
from sunusav.core.models.export import Export, ExportFormat, ExportState
from sunusav.core.models.figure import DailyFigure
from sunusav.core.models.lock import Lock
from sunusav.core.models.lookup import LookupToken
from sunusav.core.models.outbox import OutboxMessage
from sunusav.core.models.privacy import PersonKey
from sunusav.core.models.reading import Reading
from sunusav.core.models.saved_filter import SavedFilter
from sunusav.core.models.sealing import SealBase
from sunusav.core.models.second_factor import SecondFactorReset
from sunusav.core.models.staff_session import LoginAttempt, StaffSession
from sunusav.core.models.switch import Switch
from sunusav.core.models.trail import TrailEntry, TrailSeal
from sunusav.core.models.user import User

__all__ = [
    "EVERY_KIND",
    "FOUR_EYES",
    "MOST_APPROVALS",
    "Approval",
    "ApprovalBand",
    "ApprovalBandRequest",
    "Attachment",
    "DailyFigure",
    "DecidedByTwo",
    "Export",
    "ExportFormat",
    "ExportState",
    "Lock",
    "LoginAttempt",
    "LookupToken",
    "MediaType",
    "OutboxMessage",
    "PersonKey",
    "Proposal",
    "ProposalState",
    "Reading",
    "SavedFilter",
    "SealBase",
    "SecondFactorReset",
    "StaffSession",
    "Switch",
    "TrailEntry",
    "TrailSeal",
    "User",
]
