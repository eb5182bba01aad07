"""Rows that break the constraints of issued receipts, their links, and what they are issued under."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.factories.receipts import set_issuer, set_tax_rate
from tests.support.constraints import Violation, copy_of
from tests.transfers.builders import NOW
from transfers.models import AdoptedIssuer, AdoptedTaxRate, IssuedReceipt, Issuer, ReceiptLink, TaxRate


def stored_copy(row: Any, **changes: Any) -> Any:
    copied = copy_of(row, **changes)
    copied.save(force_insert=True)
    return copied


def issuer() -> Issuer:
    return adopted_issuer().issuer


def tax_rate() -> TaxRate:
    return adopted_tax_rate().tax_rate


def adopted_issuer() -> AdoptedIssuer:
    return set_issuer(now=NOW)


def adopted_tax_rate() -> AdoptedTaxRate:
    return set_tax_rate(1_800, now=NOW)


def another_issuer(row: AdoptedIssuer, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy the adoption of another issuer, by another proposal."""
    return {
        "issuer_id": stored_copy(row.issuer).pk, "proposal_id": stored_copy(row.proposal).pk, **changes,
    }  # fmt: skip


def another_tax_rate(row: AdoptedTaxRate, **changes: Any) -> dict[str, Any]:
    return {
        "tax_rate_id": stored_copy(row.tax_rate).pk, "proposal_id": stored_copy(row.proposal).pk, **changes,
    }  # fmt: skip


def receipt() -> IssuedReceipt:
    return IssuedReceipt.objects.create(
        kind="payout", year=2026, count=1, number="PAY-2026-000001", subject="disbursement:1", issued_at=NOW,
        issued_by="tests", issuer=adopted_issuer(), tax_rate=adopted_tax_rate(), tax_rate_bps=1_800, tax_sats=152,
        facts={},
    )  # fmt: skip


def next_receipt(**changes: Any) -> dict[str, Any]:
    return {"count": 2, "number": "PAY-2026-000002", "subject": "disbursement:2", **changes}


def link() -> ReceiptLink:
    return ReceiptLink.objects.create(
        receipt=receipt(),
        nonce="0" * 32,
        opened_by="tests",
        opened_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )


TAX = "issuedreceipt_tax_fits_its_rate"
ISSUING = [
    *(Violation("issuer_is_complete", issuer, {name: ""}) for name in ("legal_name", "address", "ninea")),
    Violation("issuer_has_reason", issuer, {"reason": ""}),
    Violation("taxrate_is_below_one", tax_rate, {"rate_bps": 10_000}),
    Violation("taxrate_has_reason", tax_rate, {"reason": ""}),
    Violation(
        "adoptedissuer_four_eyes",
        adopted_issuer,
        lambda row: another_issuer(row, approver_id=row.proposer_id),
    ),
    Violation(
        "adoptedtaxrate_four_eyes",
        adopted_tax_rate,
        lambda row: another_tax_rate(row, approver_id=row.proposer_id),
    ),
    Violation(
        "transfers_adoptedissuer.issuer_id",
        adopted_issuer,
        lambda row: another_issuer(row, issuer_id=row.issuer_id),
    ),
    Violation(
        "transfers_adoptedissuer.proposal_id",
        adopted_issuer,
        lambda row: another_issuer(row, proposal_id=row.proposal_id),
    ),
    Violation(
        "transfers_adoptedtaxrate.tax_rate_id",
        adopted_tax_rate,
        lambda row: another_tax_rate(row, tax_rate_id=row.tax_rate_id),
    ),
    Violation(
        "transfers_adoptedtaxrate.proposal_id",
        adopted_tax_rate,
        lambda row: another_tax_rate(row, proposal_id=row.proposal_id),
    ),
    Violation("issuedreceipt_number_used_once", receipt, next_receipt(count=1)),
    Violation("issuedreceipt_number_read_once", receipt, next_receipt(number="PAY-2026-000001")),
    Violation("issuedreceipt_once_per_subject", receipt, next_receipt(subject="disbursement:1")),
    Violation("issuedreceipt_counts_from_one", receipt, next_receipt(count=0)),
    Violation("issuedreceipt_counts_from_one", receipt, next_receipt(year=2008)),
    Violation(TAX, receipt, next_receipt(tax_rate_bps=0)),
    Violation(TAX, receipt, next_receipt(tax_rate_bps=10_000)),
    Violation(TAX, receipt, next_receipt(tax_rate_id=None)),
    Violation(TAX, receipt, next_receipt(tax_sats=-1)),
    Violation("receiptlink_nonce_used_once", link, lambda row: {"receipt_id": _another_receipt(row)}),
    Violation("receiptlink_one_live_per_receipt", link, {"nonce": "1" * 32}),
    Violation(
        "receiptlink_expires_after_opening",
        link,
        lambda row: {"receipt_id": _another_receipt(row), "nonce": "1" * 32, "expires_at": row.opened_at},
    ),
]


def _another_receipt(row: ReceiptLink) -> int:
    return int(stored_copy(row.receipt, **next_receipt()).pk)
