"""Refusals of this app, each named for the fact."""

from datetime import datetime
from decimal import Decimal

from sunusav.core.errors import Conflict, Invalid, Missing, Unavailable


class RailUnavailable(Unavailable):
    """The rail is unavailable and certainly sent nothing."""

    rail: str
    detail: str


class RailCredentialsRefused(RailUnavailable):
    """The provider refuses our credentials (a wrong PIN, a revoked key, a disabled wallet): certainly nothing was sent.

    The rail is switched off at once, so that no further call can use up what tries are left.
    """


class RailShort(Unavailable):
    """The rail works, but cannot send this payment now; smaller ones may go. Nothing was sent."""

    rail: str
    needed: int
    available: int
    currency: str


class DestinationUnavailable(Unavailable):
    """The recipient's own service is unavailable or gives no invoice now. Nothing was sent, and the rail works."""

    rail: str
    host: str
    detail: str


class CollectorUnavailable(Unavailable):
    collector: str
    detail: str


class CollectorCredentialsRefused(CollectorUnavailable):
    """The provider refuses our credentials: nothing was opened, and the collector is switched off at once."""


class CollectorSwitchedOff(Conflict):
    """No new request for money is opened by this method until two people switch it on."""

    method: str


class RailUnknown(Invalid):
    rail: str
    known_rails: list[str]


class CollectorUnknown(Invalid):
    method: str
    known_methods: list[str]


class DestinationKindUnsupported(Invalid):
    rail: str
    kind: str
    supported_kinds: list[str]


class DestinationAmountDiffers(Invalid):
    """The destination asks for another amount than would be paid: rails raise this or a subclass."""


class DisbursementMissing(Missing):
    disbursement_id: int


class SubjectHeld(Conflict):
    """The subject has a live disbursement already; it can have one."""

    subject: str
    disbursement_id: int
    state: str


class FundsShort(Conflict):
    """The account to debit does not hold what would be paid."""

    subject: str
    needed_msat: int
    available_msat: int


class DisbursementNotReversible(Conflict):
    """Only a payment that was completed can be reversed, once."""

    disbursement_id: int
    state: str


class ReturnDiffers(Conflict):
    """What came back is not what had been paid: people look into it."""

    disbursement_id: int
    paid: int
    returned: int
    currency: str


class ReturnUnproven(Conflict):
    """No settled payment to us has brought the money back yet."""

    disbursement_id: int
    reference: str


class ReturnReferenceUsed(Conflict):
    """This proof was used for another reversal."""

    reference: str
    disbursement_id: int


class ReturnReferenceBooked(Conflict):
    """The line with this reference is booked as a movement of the treasury."""

    reference: str
    movement_id: int


class ReturnReferenceClaimed(Conflict):
    """By this proof the reversal of another payment was proposed, and waits for its approval."""

    reference: str
    disbursement_id: int
    proposal_id: str


class ReturnReferenceMalformed(Invalid):
    """Money of a payment over Lightning that comes back on-chain is proven by a transaction's id and its output."""

    disbursement_id: int
    reference: str


class ReturnDateOutOfRange(Invalid):
    """The money cannot have come back before it was paid, nor after today."""

    disbursement_id: int
    returned_on: str
    paid_on: str
    today: str


class ReturnArrived(Conflict):
    """The recipient has paid the money back by the invoice that was opened for it."""

    disbursement_id: int
    collection_id: int
    reference: str


class ReturnRequested(Conflict):
    """The money was requested back by an invoice, which alone can prove the return while it may be paid or is paid."""

    disbursement_id: int
    collection_id: int
    collection_state: str


class ReturnClaimMissing(Missing):
    disbursement_id: int


class NetBelowOneFranc(Invalid):
    """The net is worth less than one franc, and a rail in francs pays whole ones."""

    net_msat: int
    rate_xof_per_btc: Decimal


class FrancsNotAgreed(Invalid):
    """Francs that a request fixes itself are for a payment without a fee, to destinations in francs alone."""

    subject: str


class ApprovalDiffers(Conflict):
    """What would be paid is not what was approved."""

    subject: str


class DestinationApproved(Conflict):
    """The destination was approved with the payment: another one needs a new proposal."""

    disbursement_id: int


class DisbursementNotCancellable(Conflict):
    disbursement_id: int
    state: str
    why: str


class DisbursementNotRetryable(Conflict):
    disbursement_id: int
    state: str
    why: str


class DisbursementNotUnderReview(Conflict):
    """The engine still decides about it; people decide only under review."""

    disbursement_id: int
    state: str


class AttemptNotOpen(Conflict):
    """It has no open attempt: its outcome is known, or nothing was sent."""

    disbursement_id: int
    state: str


class OrderStillPayable(Conflict):
    """The provider could still pay an order: that it is unpaid now proves nothing."""

    disbursement_id: int
    payable_until: datetime


class EvidenceTooOld(Conflict):
    """The last answer of the provider is too old, or too unclear, to conclude that it did not pay."""

    disbursement_id: int
    outcome: str
    asked_at: datetime | None


class ProviderContradicts(Conflict):
    """The provider reports that the order is under way or paid."""

    code = "outside-says-otherwise"
    disbursement_id: int
    outcome: str
    asked_at: datetime | None


class DisbursementNotDeferred(Conflict):
    """The payment is not deferred by anything that a waiver could lift."""

    code = "disbursement-not-held-back"
    disbursement_id: int
    state: str
    failure_code: str


class PaymentLimitOutOfRange(Invalid):
    kind: str
    amount_sats: int
    minimum_sats: int
    maximum_sats: int


class PaymentLimitRequestMissing(Missing):
    limit_request_id: str


class PaymentReferenceUsed(Conflict):
    """This payment hash or reference already belongs to another disbursement."""

    reference: str
    disbursement_id: int


class ClaimLost(Conflict):
    """Another worker may have claimed it; this one must not act any more."""

    disbursement_id: int


class CollectionMissing(Missing):
    reference: str


class CollectionCurrencyDiffers(Conflict):
    """A payment was reported in another currency than its collection asks for."""

    collection_id: int
    currency: str
    received_currency: str


class CollectorNeedsPhone(Invalid):
    """This method asks the payer by phone: a request for money needs their number."""

    method: str


class CollectorTakesNoPhone(Invalid):
    """This method needs no phone of the payer; none is stored without need."""

    method: str


class CreditShort(Conflict):
    """The member's credit holds less than would be used."""

    needed_msat: int
    available_msat: int


class CreditAlreadyUsed(Conflict):
    """Credit of another amount or member already pays for this subject, or into another account."""

    subject: str
    amount_msat: int


class CreditNotUsed(Conflict):
    """No credit pays for this subject now."""

    subject: str


class CollectionNotCancellable(Conflict):
    """It is closed already, or may have been paid: it is cancelled only once its collector has cancelled it."""

    collection_id: int
    state: str
    why: str


class CollectionAnsweredElsewhere(Unavailable):
    """Another node or account answered than the one that opened the request, and cannot know its state."""

    collection_id: int
    asked_of: str
    answered_by: str


class WithdrawalLinkMissing(Missing):
    """No withdrawal link was ever opened for this subject."""

    subject: str


class WithdrawalSecretUnknown(Missing):
    """No withdrawal link has this secret."""


class WithdrawalLinkOpen(Conflict):
    """The subject has a live withdrawal link; its secret was shown once and is not stored."""

    subject: str
    link_state: str
    expires_at: datetime


class WithdrawalLinkClosed(Conflict):
    """The link was redeemed, was revoked, or has expired."""

    link_state: str


class WithdrawalRedeemedOtherwise(Conflict):
    """The link was redeemed first with another invoice."""


class CollectionSettled(Conflict):
    subject: str
    collection_id: int


class CollectionWithdrawn(Conflict):
    """What the money was requested for has ended; nobody can pay this request any more."""

    subject: str
    collection_id: int


class CollectionAskedOtherwise(Conflict):
    """The subject has an open request by another method; two open requests could both be paid."""

    subject: str
    collection_id: int
    open_method: str
    expires_at: datetime | None
