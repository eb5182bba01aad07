"""Refusals of this app, each named for the fact."""

from datetime import datetime

from sunusav.core.errors import Conflict, Invalid, Missing


class GroupMissing(Missing):
    group_id: str


class GroupExists(Conflict):
    group_id: str


class PartnerUnknown(Invalid):
    settlement_partner: str


class PartnerServesElsewhere(Invalid):
    """The settlement partner is disabled or does not serve the group's country."""

    settlement_partner: str
    country: str


class CountryWithoutPartner(Invalid):
    """No enabled settlement partner serves this country, so the partner share would have no recipient."""

    country: str


class MemberMissing(Missing):
    """No group ever had a member of this identifier."""

    user_id: str


class MemberExists(Conflict):
    group_id: str
    user_id: str


class MemberNotOfGroup(Missing):
    """This user was never a member of the group."""

    group_id: str
    user_id: str


class MemberLeft(Conflict):
    """This user left the group already."""

    group_id: str
    user_id: str
    left_at: datetime


class CorrectionChangesNothing(Conflict):
    """The proposed name and phone are what is stored."""

    user_id: str


class MemberNotErasable(Conflict):
    """Money of this member is held or may still move: cycles they are in, open requests to them, payments to them."""

    user_id: str
    credit_msat: int
    open_cycles: int
    open_requests: int
    open_payments: int


class GroupVerifiedAlready(Conflict):
    group_id: str


class GroupNotVerified(Conflict):
    group_id: str


class CycleMissing(Missing):
    cycle_id: str


class CycleExists(Conflict):
    cycle_id: str


class CycleIndexTaken(Conflict):
    group_id: str
    cycle_index: int
    cycle_id: str


class GroupWithoutMembers(Conflict):
    group_id: str


class WinnerNotMember(Invalid):
    group_id: str
    winner_user_id: str


class PotExceedsBitcoinSupply(Invalid):
    """The pot would be larger than the supply of bitcoin."""

    code = "pot-above-all-bitcoin"

    payout_total_sats: int
    maximum_sats: int


class ContributionMissing(Missing):
    """This user was not a member of the group when the cycle was created."""

    cycle_id: str
    user_id: str


class ContributionSettled(Conflict):
    cycle_id: str
    user_id: str
    contribution_id: int


class ContributionMissed(Conflict):
    """The cycle was closed short or cancelled: nobody has to pay this contribution any more."""

    cycle_id: str
    user_id: str
    contribution_id: int
    contribution_status: str


class ContributionRequestedByOtherMethod(Conflict):
    """A request by another method is open; two open requests could both be paid."""

    code = "contribution-asked-otherwise"

    cycle_id: str
    user_id: str
    open_method: str
    expires_at: datetime | None


class ContributionNotOfCycle(Missing):
    """This cycle has no contribution with this id."""

    cycle_id: str
    contribution_id: int


class ContributionUnknown(Missing):
    """No cycle has a contribution with this id."""

    contribution_id: int


class ContributionNotSettled(Conflict):
    """There is a receipt only of what was paid in full."""

    contribution_id: int


class ContributionNotRequested(Conflict):
    """The contribution has no open request that could be paid."""

    code = "contribution-not-asked-for"

    cycle_id: str
    contribution_id: int
    contribution_status: str


class CycleNotReady(Conflict):
    """Not every contribution is settled in full."""

    cycle_id: str
    cycle_status: str
    missing_contributions: int


class CycleCancelled(Conflict):
    """The cycle was cancelled; what was paid for it is its members' credit."""

    cycle_id: str
    cycle_status: str


class CycleNotCollecting(Conflict):
    """Only a cycle that still collects is closed short."""

    cycle_id: str
    cycle_status: str


class WinnerExchanged(Conflict):
    """The turn was given to another member after the withdrawal link was redeemed."""

    cycle_id: str
    winner_user_id: str


class CycleAlreadyPaid(Conflict):
    cycle_id: str
    payout_id: int
    payout_status: str


class PayoutMissing(Missing):
    payout_id: int


class PayoutFailed(Conflict):
    """The provider refused this payout for good; a person may retry it."""

    cycle_id: str
    payout_id: int
    payout_status: str
    failure_code: str


class PayoutNeedsReview(Conflict):
    """A person has to decide about this payout."""

    cycle_id: str
    payout_id: int
    payout_status: str
    failure_code: str


class PayoutReversed(Conflict):
    """The payout was paid and then reversed."""

    cycle_id: str
    payout_id: int
    payout_status: str


class PayoutCancelled(Conflict):
    """The payout was cancelled while the request waited for it."""

    cycle_id: str
    payout_id: int
    payout_status: str


class PayoutUnderWay(Conflict):
    cycle_id: str
    payout_id: int
    payout_status: str


class PayoutScheduledAlready(Conflict):
    cycle_id: str
    payout_id: int
    scheduled_at: datetime


class PayoutNotCompleted(Conflict):
    """Only a paid payout has a receipt."""

    payout_id: int
    payout_status: str


class RefundMissing(Missing):
    """This member has no refund with this id."""

    user_id: str
    refund_id: int


class RefundNotCompleted(Conflict):
    """Only a refund that was paid has a receipt."""

    refund_id: int
    refund_status: str


class ClaimContradictsRecords(Conflict):
    """A claim in the request differs from our records."""

    cycle_id: str
    claim: str
    claimed: bool
    recorded: bool


class DestinationMissing(Conflict):
    """The winner's destination is not set."""

    cycle_id: str


class CycleNotReversed(Conflict):
    """Only a cycle whose payout was reversed is reopened, once."""

    cycle_id: str
    cycle_status: str


class SecondChoiceSame(Invalid):
    """The second choice is the destination itself."""

    cycle_id: str


class DestinationLocked(Conflict):
    """An attempt to pay the current destination is open and may still succeed."""

    cycle_id: str
    payout_id: int
