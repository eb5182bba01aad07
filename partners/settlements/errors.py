"""Refusals of settlements, named for the fact."""

from datetime import date, datetime

from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing


class SettlementMissing(Missing):
    settlement_id: str


class SettlementPartnerUnknown(Missing):
    """The directory has no partner of that name."""

    partner: str


class NothingAccrued(Conflict):
    """No fee with a share of this partner has ever been booked: its first window is not known."""

    partner: str


class WindowNotEnded(Conflict):
    """The month is not over, or its last bookings may still commit."""

    partner: str
    period_start: datetime
    closable_at: datetime


class WindowOutOfOrder(Conflict):
    """Windows are closed in their order, and this month is not the partner's next one."""

    partner: str
    period_start: datetime
    next_start: datetime


class SettlementNotRepeatable(Conflict):
    """It waits for a decision, or was decided for good: only what was rejected is proposed again."""

    settlement_id: str
    settlement_status: str


class SettlementNotPayable(Conflict):
    """Only an approved settlement is paid, or one whose payment failed."""

    settlement_id: str
    settlement_status: str


class SettlementApprovalDiffers(Conflict):
    """The proposal or the digest is not the one that was approved."""

    settlement_id: str
    proposal_id: str


class EarlierSettlementUnpaid(Conflict):
    """Settlements of a partner are paid in their order."""

    settlement_id: str
    earlier_id: str
    earlier_status: str


class ExecutorIsApprover(Forbidden):
    """The person who approved a settlement does not pay it."""

    settlement_id: str


class SettlementAccountMissing(Conflict):
    """No account of the partner is registered, to which a rail could pay."""

    partner: str


class SettlementAccountChanged(Conflict):
    """Another account than the approved one is registered now: the settlement has to be approved again."""

    settlement_id: str
    partner: str


class SettlementFloatShort(Conflict):
    """Our money at the partner is less than what is due."""

    settlement_id: str
    due_xof: int
    available_xof: int
    missing_xof: int


class SettlementReserveShort(Conflict):
    """The partner's reserve holds less than the settlement takes from it: payouts were reversed since."""

    settlement_id: str
    needed_msat: int
    available_msat: int


class BankPaymentIncomplete(Invalid):
    """A payment by the bank needs its reference, its explanation and a document."""

    missing: str


class BankPaymentDateOutOfRange(Invalid):
    """A payment by the bank is made between the approval and today."""

    paid_on: date
    earliest: date
    latest: date


class SettlementAccountNotFound(Missing):
    account_id: str


class LineNotOfSettlement(Invalid):
    """The statement of this settlement has no line of that fee record."""

    settlement_id: str
    fee_record_id: int


class LineContestedAlready(Conflict):
    """This line is recorded as contested: its answer, and further evidence, belong there."""

    settlement_id: str
    fee_record_id: int


class ContestDateInFuture(Invalid):
    """A partner contests a line today at the latest."""

    contested_on: date
    latest: date


class ContestedLineMissing(Missing):
    contested_line_id: int


class ContestedLineAnswered(Conflict):
    """The partner was answered: an answer is given once."""

    contested_line_id: int
