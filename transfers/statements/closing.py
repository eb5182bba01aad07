"""The books beside the closing balances of statements.

A movement of the bank is booked some days after it happened. So the books of a past day are the balance of now, less
everything that happened after that day.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from typing import Final

from ledger.queries import balance
from ledger.types import AccountRef
from transfers.models import ClosingBalance
from transfers.statements.sources import moved_within
from transfers.types import ExpectedLine

# A year of monthly statements, and one more.
STATEMENTS_COMPARED: Final = 13
RECORDS_READ: Final = 10 * STATEMENTS_COMPARED


@dataclass(frozen=True)
class ClosingDay:
    """What an account had at the end of a day by its statement, and by the books. Units: francs."""

    day: date
    statement_id: int
    closing_xof: int
    booked_xof: int

    @property
    def difference_xof(self) -> int:
        """Return how much more the statement has than the books."""
        return self.closing_xof - self.booked_xof


def compared_days(source: str, account: AccountRef, *, today: date) -> list[ClosingDay]:
    """Return the days that statements of a source close, the newest first, beside the books of their account."""
    closings = _closings(source)
    if not closings:
        return []
    oldest = min(one.statement.through for one in closings)
    lines = moved_within(source, since=oldest + timedelta(days=1), through=today)
    booked_xof = balance(account)
    return [
        ClosingDay(
            one.statement.through, one.statement_id, one.closing_xof,
            booked_at_end_of(one.statement.through, booked_xof=booked_xof, lines=lines),
        )
        for one in closings
    ]  # fmt: skip


def _closings(source: str) -> list[ClosingBalance]:
    """Return the last closing balance recorded for each day, the newest days first."""
    rows = ClosingBalance.objects.filter(statement__source=source).select_related("statement")
    by_day: dict[date, ClosingBalance] = {}
    for row in rows.order_by("-statement__through", "-pk")[:RECORDS_READ]:
        by_day.setdefault(row.statement.through, row)
    return list(by_day.values())[:STATEMENTS_COMPARED]


def booked_at_end_of(day: date, *, booked_xof: int, lines: Iterable[ExpectedLine]) -> int:
    """Return what the books have for the end of a day: the balance of now, less what happened later."""
    return booked_xof - int(sum(line.amount_xof for line in lines if line.happened_on > day))


def differs_since(days: Sequence[ClosingDay]) -> date | None:
    """Return the first day of those, newest first, since which every statement differs; None if the newest agrees."""
    differing = list(takewhile(lambda one: one.difference_xof, days))
    return differing[-1].day if differing else None
