"""The statement of a settlement: every share of its window, and what they come to."""

from collections.abc import Iterator
from typing import Any, Final

from django.utils.timezone import localdate

from fees.accrual_queries import accruals_in
from fees.types import Accrual
from partners.enums import SettlementStatus
from partners.models import Settlement, SettlementBankPayment
from partners.settlements.calculations import francs_of
from partners.settlements.queries import settlement_facts, settlement_row, span_of
from partners.settlements.types import PaidBy
from sunusav.core.calendar import DAKAR
from sunusav.core.exporting.plain_csv import plain_csv, sha256_of
from sunusav.core.exporting.types import Cell
from sunusav.core.exporting.writers.base import digits_of
from transfers.enums import AttemptState
from transfers.queries import attempts_of

# The columns of the file of lines. Totals have amounts in the last columns only.
CODES: Final = (
    "line", "fee_record", "payment", "booked_at", "payout_sats", "fee_sats", "rate_xof_per_btc", "partner_sats",
    "partner_xof",
)  # fmt: skip
_NO_RECORD: Final = (None,) * 6


def statement_lines(settlement_id: int) -> Iterator[tuple[Cell, ...]]:
    """Yield the lines of a statement, its totals last. Units: sats, exact francs. Raises: SettlementMissing."""
    row = settlement_row(str(settlement_id))
    for one in accruals_in(row.partner, span_of(row)):
        yield _line(one)
    yield from _totals(row)


def statement_csv(settlement_id: int) -> Iterator[bytes]:
    """Yield the file of lines in blocks. Raises: SettlementMissing."""
    return plain_csv(CODES, statement_lines(settlement_id))


def _line(one: Accrual) -> tuple[Cell, ...]:
    return (
        "reversal" if one.is_reversal else "fee", one.record_id, one.disbursement_ref, one.booked_at,
        one.payout_sats, one.fee_sats, one.rate_xof_per_btc, one.partner_sats, francs_of(one.worth),
    )  # fmt: skip


def _totals(row: Settlement) -> Iterator[tuple[Cell, ...]]:
    """Yield the sum of the lines, and what becomes of it; the reserve takes msat, which are no whole sats."""
    yield "accrued", *_NO_RECORD, row.accrued_sats, row.accrued_xof
    for code, amount_xof in (
        ("carried_over", row.carried_xof), ("due", row.due_xof), ("left_over", row.residue_xof)
    ):  # fmt: skip
        yield code, *_NO_RECORD, None, amount_xof


def describe_statement(settlement_id: int) -> dict[str, Any]:
    """Return what is on the statement of a settlement; nothing of it changes once the window is closed.

    Raises: SettlementMissing.
    """
    row = settlement_row(str(settlement_id))
    return {**facts_of_row(row), "lines_sha256": sha256_of(statement_csv(row.pk)), "transactions": []}


def facts_of_row(row: Settlement) -> dict[str, Any]:
    """Return what the statement of a settlement takes from its row."""
    return {
        "settlement_id": row.pk, "partner_name": row.partner, "period_start": row.period_start.isoformat(),
        "period_end": row.period_end.isoformat(), "closed_at": row.closed_at.isoformat(),
        "lines_count": row.records, "accrued_sats": row.accrued_sats,
        "accrued_exactly": digits_of(row.accrued_xof), "carried_exactly": digits_of(row.carried_xof),
        "due_xof": row.due_xof, "left_over_exactly": digits_of(row.residue_xof),
    }  # fmt: skip


def paid_by(settlement_id: int) -> PaidBy | None:
    """Return when and how a settlement was paid; None while it is not, and where nothing was due."""
    row = settlement_row(str(settlement_id))
    facts = settlement_facts([row])[0]
    if facts.status != SettlementStatus.COMPLETED or not row.due_xof or facts.executed_at is None:
        return None
    if facts.payout_id is None:
        bank = SettlementBankPayment.objects.get(settlement=row)
        return PaidBy("", bank.reference, bank.paid_on)
    order = attempts_of(facts.payout_id).get(state=AttemptState.SUCCEEDED).order
    return PaidBy(order.rail, order.reference, localdate(facts.executed_at, DAKAR))
