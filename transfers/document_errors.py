"""Refusals of issued receipts, their links, and what they are issued under, each named for the fact."""

from datetime import datetime

from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing


class IssuerMissing(Conflict):
    """Nobody has set who issues receipts, so none can be issued."""

    kind: str


class ReceiptKindUnknown(Invalid):
    kind: str
    known_kinds: list[str]


class ReceiptNotAllowed(Forbidden):
    """A receipt of this kind needs a further permission."""

    kind: str
    permission: str


class ReceiptMissing(Missing):
    number: str


class ReceiptLinkMissing(Missing):
    """The receipt has no open link."""

    number: str


class ReceiptLinkUnknown(Missing):
    """No link has this token. It is not among the facts: it would be in the log."""


class ReceiptLinkClosed(Conflict):
    """The link expired or was revoked."""


class TaxRateOutOfRange(Invalid):
    tax_rate_bps: int
    maximum_bps: int


class IssuerIncomplete(Invalid):
    missing: str


class EffectiveInPast(Invalid):
    """Receipts that were issued keep what they were issued under, so a change applies from now on at the earliest."""

    effective_at: datetime
    now: datetime


class IssuerRequestMissing(Missing):
    issuer_id: str


class TaxRateRequestMissing(Missing):
    tax_rate_id: str
