"""Issued receipts: numbers without gaps, amounts as the books have them, and terms that two people adopted."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Max, Min

from ledger import queries as books
from sunusav.core.auditing import AuditScope, Breach, pages, rows_since
from sunusav.core.models import Approval, ProposalState
from transfers.calculations import contained_tax_sats
from transfers.document_queries import receipt_kinds
from transfers.models import AdoptedIssuer, AdoptedTaxRate, IssuedReceipt
from transfers.services.issuers import RECEIPT_ISSUER, RECEIPT_TAX_RATE
from transfers.types import ReceiptKind


def numbers_have_no_gaps(scope: AuditScope) -> Iterator[Breach]:
    """Yield each kind and year whose counts are not 1, 2, 3, …; a fast audit looks at the years issued in since."""
    rows = IssuedReceipt.objects.all()
    if scope.since is not None:
        years = set(rows_since(rows, "issued_at", scope.since).values_list("year", flat=True))
        rows = rows.filter(year__in=years)
    counted = rows.values_list("kind", "year").annotate(Min("count"), Max("count"), Count("pk"))
    for kind, year, first, last, number in counted.order_by("kind", "year"):
        if (first, last) != (1, number):
            yield Breach(
                "I30", f"receipts:{kind}:{year}", f"{number} receipts are numbered {first} to {last}"
            )


def receipts_are_as_booked(scope: AuditScope) -> Iterator[Breach]:
    """Yield each receipt whose number, amounts or tax are not what kind, books and rate give."""
    kinds = receipt_kinds()
    for page in pages(rows_since(IssuedReceipt.objects.all(), "issued_at", scope.since)):
        lines = books.lines_by_transaction({key for row in page for key in row.facts["transactions"]})
        for row in page:
            booked = [line for key in row.facts["transactions"] for line in lines.get(key, [])]
            for detail in _wrong_with(row, kinds.get(row.kind), booked):
                yield Breach("I30b", f"issued_receipt:{row.pk}", detail)


def _wrong_with(row: IssuedReceipt, what: ReceiptKind | None, booked: list[Any]) -> Iterator[str]:
    if what is None:
        yield f"no app issues receipts of the kind {row.kind}"
        return
    if row.number != what.number(row.year, row.count):
        yield f"is numbered {row.number}, not {what.number(row.year, row.count)}"
    for name, amount in what.booked_amounts(booked).items():
        if row.facts.get(name) != amount:
            yield f"shows {name} {row.facts.get(name)}, the books have {amount}"
    taxed_sats = row.facts.get(what.taxed, 0)
    if row.tax_sats != contained_tax_sats(taxed_sats, rate_bps=row.tax_rate_bps):
        yield f"shows {row.tax_sats} sats of tax, not {row.tax_rate_bps} bps of {taxed_sats}"


def two_people_adopted(scope: AuditScope) -> Iterator[Breach]:
    """Yield each issuer and tax rate in force without its approved proposal, or without two different people."""
    for model, kind, name in (
        (AdoptedIssuer, RECEIPT_ISSUER, "issuer"),
        (AdoptedTaxRate, RECEIPT_TAX_RATE, "tax_rate"),
    ):
        # People make each, so there are few: a fast audit reads them all too.
        for row in model._default_manager.select_related("proposal", name):
            for detail in _wrong_decision(row, kind, getattr(row, name)):
                yield Breach("I16", f"{kind}:{getattr(row, name).pk}", detail)


def _wrong_decision(row: Any, kind: str, requested: Any) -> Iterator[str]:
    proposal = row.proposal
    if (proposal.kind, proposal.subject_id, proposal.state) != (
        kind,
        str(requested.pk),
        ProposalState.APPROVED,
    ):
        yield f"proposal {proposal.pk} ({proposal.state}) is not the approved one of it"
    if len({row.proposer_id, requested.proposer_id, proposal.proposer_id}) > 1:
        yield "the proposer is not the one who proposed"
    given = Approval.objects.filter(proposal=proposal, approver_id=row.approver_id, is_approved=True)
    if row.approver_id == row.proposer_id or not given.filter(digest=proposal.digest).exists():
        yield "its approver did not approve, or is the proposer"
