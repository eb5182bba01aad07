"""Closing balances of the bank's statements beside the books of the same day; francs worked by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger.queries import balance
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.statements import imported, make_format
from tests.factories.treasury import BANK, book, opening
from tests.factories.users import make_user
from tests.transfers.builders import NOW
from transfers.balance_queries import account_comparisons
from transfers.enums import TreasuryKind
from transfers.models import ClosingBalance, StatementImport
from transfers.services.treasury_readings import read_treasury
from transfers.statements.imports import record_closing_balance
from transfers.types import AccountComparison, Movement

pytestmark = pytest.mark.django_db

DAYS = {1: date(2026, 1, 31), 2: date(2026, 2, 28), 3: date(2026, 3, 3)}


@pytest.fixture(autouse=True)
def opened() -> None:
    """The bank has 1,000,000 francs since the beginning of the year."""
    make_format(now=NOW, source="bank")
    book(opening(BANK, 1_000_000), now=NOW, happened_on=date(2026, 1, 1))


def closes(month: int, closing_xof: int | None) -> StatementImport:
    """Import the statement of a month with one line of its own, and what it closes with."""
    day = DAYS[month]
    line = (f"line {month}", "-1", day.isoformat())
    return imported(
        line, now=NOW, source="bank", since=day.replace(day=1), through=day, closing_xof=closing_xof
    ).row  # fmt: skip


def moved(kind: TreasuryKind, amount: int, day: date) -> None:
    book(Movement(kind, BANK, amount), now=NOW, happened_on=day)


def bank() -> AccountComparison:
    read_treasury(now=NOW)
    return next(one for one in account_comparisons(now=NOW) if one.account == BANK)


def shown() -> tuple[Any, ...]:
    found = bank()
    since = found.differs_since.date() if found.differs_since else None
    return found.outside_amount, found.compared_amount, found.difference_amount, since, found.is_alarming


def test_statement_that_closes_with_the_books_does_not_differ() -> None:
    closes(3, 1_000_000)

    assert shown() == (1_000_000, 1_000_000, 0, None, False)
    found = bank()
    assert (found.closed_on, found.seen_at) == (DAYS[3], NOW)


def test_what_happened_after_the_statement_is_not_compared() -> None:
    """1,000,000 at the end of 3 March; 300,000 came in on the fourth, which the books have already."""
    moved(TreasuryKind.CAPITAL_DEPOSIT, 300_000, date(2026, 3, 4))
    closes(3, 1_000_000)

    assert balance(BANK) == 1_300_000
    assert shown() == (1_000_000, 1_000_000, 0, None, False)
    assert bank().booked_amount == 1_300_000


def test_difference_lasts_until_what_explains_it_is_booked_for_its_day() -> None:
    """The bank took 2,500 on 2 March: the statement has 997,500."""
    closes(3, 997_500)
    assert shown() == (997_500, 1_000_000, -2_500, DAYS[3], True)

    moved(TreasuryKind.PROVIDER_CHARGE, 2_500, date(2026, 3, 2))

    assert shown() == (997_500, 997_500, 0, None, False)


def test_difference_is_as_old_as_the_first_statement_of_those_that_differ() -> None:
    closes(1, 1_000_000)
    closes(2, 997_500)
    closes(3, 990_000)

    assert shown() == (990_000, 1_000_000, -10_000, DAYS[2], True)


def test_difference_that_was_explained_in_between_is_as_old_as_the_next() -> None:
    closes(1, 999_000)
    closes(2, 1_000_000)
    closes(3, 990_000)

    assert shown() == (990_000, 1_000_000, -10_000, DAYS[3], True)


def test_statement_without_closing_balance_says_nothing_of_the_bank() -> None:
    closes(3, None)

    assert ClosingBalance.objects.count() == 0
    assert bank() == AccountComparison(BANK, 1_000_000)


def test_same_file_again_records_no_other_balance() -> None:
    closes(3, 1_000_000)

    closes(3, 5)

    assert list(ClosingBalance.objects.values_list("closing_xof", flat=True)) == [1_000_000]


def test_balance_that_was_mistyped_is_corrected_with_a_reason() -> None:
    row, finance = closes(3, 100_000), make_user(Role.FINANCE)

    record_closing_balance(
        statement=row, closing_xof=1_000_000, reason=" a zero was missing ", recorder=finance, now=NOW
    )

    assert shown() == (1_000_000, 1_000_000, 0, None, False)
    assert ClosingBalance.objects.count() == 2
    entry = TrailEntry.objects.order_by("-pk").first()
    assert entry is not None
    assert (entry.subject, entry.action, entry.reason, entry.facts, entry.actor_id) == (
        f"statement_import:{row.pk}", "record_closing_balance", "a zero was missing", {"closing_xof": 1_000_000},
        finance.pk,
    )  # fmt: skip
