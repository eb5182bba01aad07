"""Refusals of this room, each named for the fact."""

from datetime import datetime

from sunusav.core.errors import Conflict, Invalid, Missing, Unavailable


class RailUnavailable(Unavailable):
    """The rail is away and certainly sent nothing."""

    rail: str
    detail: str


class DestinationUnavailable(Unavailable):
    """The recipient's own service is away or makes no invoice just now. Nothing was sent, and the rail is well."""

    rail: str
    host: str
    detail: str


class CollectorUnavailable(Unavailable):
    collector: str
    detail: str


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
    """The destination asks for another amount than would be paid: rails refuse with this or a kind of it."""


class DisbursementMissing(Missing):
    disbursement_id: int


class SubjectHeld(Conflict):
    """Another disbursement holds the subject; at most one may."""

    subject: str
    disbursement_id: int
    state: str


class FundsShort(Conflict):
    """The account to debit does not hold what would be paid."""

    subject: str
    needed_msat: int
    available_msat: int


class DisbursementNotCancellable(Conflict):
    disbursement_id: int
    state: str
    why: str


class DisbursementNotRetryable(Conflict):
    disbursement_id: int
    state: str
    why: str


class DisbursementNotUnderReview(Conflict):
    """The engine still decides about it: nobody else may."""

    disbursement_id: int
    state: str


class AttemptNotOpen(Conflict):
    """No attempt of it is open: its outcome is known, or nothing was sent."""

    disbursement_id: int
    state: str


class OrderStillPayable(Conflict):
    """The outside could still pay the order: that it has not is no end."""

    disbursement_id: int
    payable_until: datetime


class EvidenceTooOld(Conflict):
    """What the outside says now is not known well enough to conclude that it did not pay."""

    disbursement_id: int
    outcome: str
    asked_at: datetime | None


class ProviderContradicts(Conflict):
    """The outside says that the order is under way or paid."""

    code = "outside-says-otherwise"
    disbursement_id: int
    outcome: str
    asked_at: datetime | None


class ResolutionMissing(Missing):
    disbursement_id: int


class ResolutionNeedsProof(Invalid):
    """Paid is what the payee can prove: the preimage of this payment hash."""

    disbursement_id: int
    reference: str


class ResolutionCostOutOfRange(Invalid):
    """A routing fee is at least nothing and at most what the order allowed."""

    disbursement_id: int
    cost_msat: int | None
    fee_limit_msat: int


class ResolutionNeedsExplanation(Invalid):
    disbursement_id: int


class DisbursementNotDeferred(Conflict):
    """Nothing that an exception could lift holds the payment back."""

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
    """This payment hash or reference belongs to another disbursement already."""

    reference: str
    disbursement_id: int


class ClaimLost(Conflict):
    """Another worker took over; this one must not act any more."""

    disbursement_id: int


class CollectionMissing(Missing):
    reference: str


class CollectionNotCancellable(Conflict):
    """It is closed already, or may have been paid: only what the outside took back is cancelled."""

    collection_id: int
    state: str
    why: str


class CollectionAnsweredElsewhere(Unavailable):
    """Another node or account answered than the one that made the request; it cannot know what became of it."""

    collection_id: int
    asked_of: str
    answered_by: str


class WithdrawalLinkMissing(Missing):
    """Nobody ever opened a withdrawal link for this."""

    subject: str


class WithdrawalSecretUnknown(Missing):
    """No withdrawal link has this secret."""


class WithdrawalLinkOpen(Conflict):
    """There is a withdrawal link already; its secret was shown once and is kept nowhere."""

    subject: str
    link_state: str
    expires_at: datetime


class WithdrawalLinkClosed(Conflict):
    """The link was redeemed, was revoked, or has expired."""

    link_state: str


class WithdrawalRedeemedOtherwise(Conflict):
    """Another invoice was first."""


class CollectionSettled(Conflict):
    subject: str
    collection_id: int


class CollectionAskedOtherwise(Conflict):
    """The subject is being asked for by another method; two open requests could both be paid."""

    subject: str
    collection_id: int
    open_method: str
    expires_at: datetime | None
