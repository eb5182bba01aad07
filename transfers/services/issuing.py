"""Receipts that people keep: issued once per payment, under a number without gaps."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.timezone import localtime

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.calendar import DAKAR
from sunusav.core.locks import lock
from sunusav.core.transactions import retried_on_deadlock
from transfers.calculations import contained_tax_sats
from transfers.document_errors import IssuerMissing
from transfers.document_queries import issuer_in_force, receipt_facts, receipt_kind, tax_rate_in_force
from transfers.models import IssuedReceipt
from transfers.types import IssuedReceiptFacts, ReceiptKind


@retried_on_deadlock
def issue_receipt(*, kind: str, key: int, actor: Actor, now: datetime) -> IssuedReceiptFacts:
    """Issue the receipt of a payment, or return the one that was issued; everything on it is fixed now.

    Raises: ReceiptKindUnknown, IssuerMissing; and as `describe` of that kind for what is not paid.
    """
    what = receipt_kind(kind)
    with transaction.atomic():
        return receipt_facts(issued_row(what, key, actor=actor, now=now))


def issued_row(what: ReceiptKind, key: int, *, actor: Actor, now: datetime) -> IssuedReceipt:
    """Return the row of a receipt, in the caller's transaction, after issuing it where it was not. Raises: as above."""
    # Until the caller's commit nobody else issues one of this kind: each number is taken once, and none is skipped.
    lock(f"receipts:{what.kind}")
    rows = IssuedReceipt.objects.select_related("issuer__issuer")
    return rows.filter(kind=what.kind, subject=what.subject_of(key)).first() or _issue(what, key, actor, now)


def _issue(what: ReceiptKind, key: int, actor: Actor, now: datetime) -> IssuedReceipt:
    issuer, facts = issuer_in_force(now), what.describe(key)
    if issuer is None:
        raise IssuerMissing(kind=what.kind)
    year = localtime(now, DAKAR).year
    count = _last_count(what.kind, year) + 1
    row = IssuedReceipt.objects.create(
        kind=what.kind, year=year, count=count, number=what.number(year, count), subject=what.subject_of(key),
        issued_at=now, issued_by=actor.label, issuer=issuer, facts=facts, **_tax(what, facts, now),
    )  # fmt: skip
    trail.record(
        subject=f"issued_receipt:{row.pk}", action="issue", actor=actor, at=now,
        facts={"number": row.number, "subject": row.subject},
    )  # fmt: skip
    return row


def _last_count(kind: str, year: int) -> int:
    newest = IssuedReceipt.objects.filter(kind=kind, year=year).order_by("-count")
    return newest.values_list("count", flat=True).first() or 0


def _tax(what: ReceiptKind, facts: dict[str, Any], now: datetime) -> dict[str, Any]:
    row = tax_rate_in_force(now)
    rate_bps = row.tax_rate.rate_bps if row else 0
    taxed_sats = facts[what.taxed] if what.taxed else 0
    return {
        "tax_rate": row,
        "tax_rate_bps": rate_bps,
        "tax_sats": contained_tax_sats(taxed_sats, rate_bps=rate_bps),
    }
