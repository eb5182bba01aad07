"""Reads of issued receipts, their links, and what they are issued under."""

from collections.abc import Iterator
from datetime import datetime

from django.core.signing import BadSignature, Signer

from sunusav.core.app_modules import collect
from sunusav.core.auditing import pages, rows_since
from transfers.document_errors import (
    ReceiptKindUnknown,
    ReceiptLinkClosed,
    ReceiptLinkUnknown,
    ReceiptMissing,
)
from transfers.models import AdoptedIssuer, AdoptedTaxRate, IssuedReceipt, ReceiptLink
from transfers.types import IssuedReceiptFacts, IssuerFacts, ReceiptKind, ReceiptLinkFacts

_SALT = "transfers.receipt_link"


def receipt_kinds() -> dict[str, ReceiptKind]:
    """Return the kinds of receipts of all apps by name."""
    listed: list[ReceiptKind] = collect("receipt_kinds", "RECEIPTS")
    return {kind.kind: kind for kind in listed}


def receipt_kind(kind: str) -> ReceiptKind:
    """Return a kind of receipt. Raises: ReceiptKindUnknown."""
    kinds = receipt_kinds()
    if kind not in kinds:
        raise ReceiptKindUnknown(kind=kind, known_kinds=sorted(kinds))
    return kinds[kind]


def issuer_in_force(now: datetime) -> AdoptedIssuer | None:
    """Return who issues receipts at that moment."""
    rows = AdoptedIssuer.objects.select_related("issuer").filter(effective_at__lte=now)
    return rows.order_by("-effective_at", "-id").first()


def tax_rate_in_force(now: datetime) -> AdoptedTaxRate | None:
    """Return the tax rate that holds at that moment; None while none was set, which means 0."""
    rows = AdoptedTaxRate.objects.select_related("tax_rate").filter(effective_at__lte=now)
    return rows.order_by("-effective_at", "-id").first()


def newest_receipt_numbers() -> list[str]:
    """Return the number of the newest receipt of each kind, where one was issued."""
    rows = [
        IssuedReceipt.objects.filter(kind=kind).order_by("-year", "-count").first()
        for kind in receipt_kinds()
    ]
    return [row.number for row in rows if row is not None]


def issued_receipt(number: str) -> IssuedReceiptFacts:
    """Return a receipt by its number. Raises: ReceiptMissing."""
    row = IssuedReceipt.objects.select_related("issuer__issuer").filter(number=number).first()
    if row is None:
        raise ReceiptMissing(number=number)
    return receipt_facts(row)


def receipt_about(kind: str, key: int) -> IssuedReceiptFacts | None:
    """Return the receipt of what has that id, if one was issued."""
    rows = IssuedReceipt.objects.select_related("issuer__issuer")
    row = rows.filter(kind=kind, subject=receipt_kind(kind).subject_of(key)).first()
    return receipt_facts(row) if row else None


def receipts_of(kind: str, *, since: datetime | None = None) -> Iterator[IssuedReceiptFacts]:
    """Yield the receipts of a kind, a page at a time: all, or those that were issued lately."""
    rows = rows_since(IssuedReceipt.objects.select_related("issuer__issuer"), "issued_at", since)
    return (receipt_facts(row) for page in pages(rows.filter(kind=kind)) for row in page)


def open_link_of(receipt_id: int, *, now: datetime) -> ReceiptLinkFacts | None:
    """Return the link that shows a receipt now, with its token; for people who may open one."""
    rows = ReceiptLink.objects.select_related("receipt__issuer__issuer")
    link = rows.filter(live_receipt=receipt_id, expires_at__gt=now).first()
    return link_facts(link) if link else None


def linked_receipt(token: str, *, now: datetime) -> IssuedReceiptFacts:
    """Return the receipt that a link shows. Raises: ReceiptLinkUnknown, ReceiptLinkClosed."""
    rows = ReceiptLink.objects.select_related("receipt__issuer__issuer")
    link = rows.filter(nonce=_nonce_of(token)).first()
    if link is None:
        raise ReceiptLinkUnknown
    if link.closed_at is not None or link.expires_at <= now:
        raise ReceiptLinkClosed
    return receipt_facts(link.receipt)


def _nonce_of(token: str) -> str:
    try:
        return _signer().unsign(token)
    except BadSignature:
        raise ReceiptLinkUnknown from None


def _signer() -> Signer:
    """Return what signs nonces. A token is a nonce with our signature: who reads the database cannot make one."""
    return Signer(salt=_SALT, sep=".")


def receipt_facts(row: IssuedReceipt) -> IssuedReceiptFacts:
    """Return an issued receipt as a frozen row."""
    issuer = row.issuer.issuer
    return IssuedReceiptFacts(
        id=row.pk, kind=row.kind, number=row.number, subject=row.subject, issued_at=row.issued_at,
        issuer=IssuerFacts(issuer.legal_name, issuer.address, issuer.ninea),
        tax_rate_bps=row.tax_rate_bps, tax_sats=row.tax_sats, facts=row.facts,
    )  # fmt: skip


def link_facts(row: ReceiptLink) -> ReceiptLinkFacts:
    """Return a link with its token."""
    return ReceiptLinkFacts(
        receipt=receipt_facts(row.receipt), token=_signer().sign(row.nonce), opened_at=row.opened_at,
        expires_at=row.expires_at,
    )  # fmt: skip
