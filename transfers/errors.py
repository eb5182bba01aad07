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


class PaymentReferenceUsed(Conflict):
    """This payment hash or reference belongs to another disbursement already."""

    reference: str
    disbursement_id: int


class ClaimLost(Conflict):
    """Another worker took over; this one must not act any more."""

    disbursement_id: int


class CollectionMissing(Missing):
    reference: str


class CollectionSettled(Conflict):
    subject: str
    collection_id: int


class CollectionAskedOtherwise(Conflict):
    """The subject is being asked for by another method; two open requests could both be paid."""

    subject: str
    collection_id: int
    open_method: str
    expires_at: datetime | None
