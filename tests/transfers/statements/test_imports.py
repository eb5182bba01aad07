"""A statement is imported once and matched; differences stay open until something explains them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.models import JournalTransaction
from sunusav.core.errors import DomainError
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.statements import Expectations, imported, make_format, open_ones, statement
from tests.factories.users import make_user
from tests.transfers.builders import NOW
from tests.transfers.unchanged import unchanged
from transfers.models import (
    MatchedExpectation,
    MatchedLine,
    StatementImport,
    StatementItem,
    StatementLine,
    StatementMatch,
)
from transfers.statement_errors import (
    StatementDaysDiffer,
    StatementFormatMissing,
    StatementRowsRefused,
    StatementSourceUnknown,
)
from transfers.statements.imports import match_again
from transfers.statements.keeping import save_rule

pytestmark = pytest.mark.django_db

EXAMPLE = (("b", "1.52"), ("c", "2.24"), ("a", "3.00"), ("e", "240.00"), ("unknown", "5.00"))


def worked_example(awaited: Expectations) -> None:
    for key, amount in {"a": "3.04", "b": "1.52", "c": "2.24", "d": "1.12", "e": "240.00"}.items():
        awaited.add(key, amount)


def refused(*rows: tuple[Any, ...], **given: Any) -> DomainError:
    importer = make_user(Role.FINANCE)
    with unchanged(), pytest.raises(DomainError) as refusal:
        imported(*rows, now=NOW, importer=importer, **given)
    return refusal.value


def test_import_worked_example_opens_what_differs(awaited: Expectations) -> None:
    make_format(now=NOW)
    worked_example(awaited)

    done = imported(*EXAMPLE, now=NOW)

    assert done.found == {
        "matched": 3, "statement_mismatched": 1, "statement_missing": 1, "statement_unexpected": 1,
    }  # fmt: skip
    line = StatementLine.objects.get(reference="unknown")
    found = {
        key: (item.code, item.expected_xof, item.found_xof, item.at_stake_xof)
        for key, item in open_ones().items()
    }
    assert found == {
        "a": ("statement_mismatched", Decimal("3.04"), Decimal("3.00"), Decimal("0.04")),
        "d": ("statement_missing", Decimal("1.12"), Decimal(0), Decimal("1.12")),
        f"line:{line.pk}": ("statement_unexpected", Decimal(0), Decimal("5.00"), Decimal("5.00")),
    }  # fmt: skip
    assert set(MatchedExpectation.objects.values_list("key", flat=True)) == {"b", "c", "e"}
    assert MatchedLine.objects.count() == 3


def test_import_worked_example_with_a_tolerance_matches_four(awaited: Expectations) -> None:
    make_format(now=NOW, tolerance_xof=Decimal("0.05"))
    worked_example(awaited)

    done = imported(*EXAMPLE, now=NOW)

    assert done.found == {"matched": 4, "statement_missing": 1, "statement_unexpected": 1}
    assert StatementMatch.objects.get(key="wave:a").difference_xof == Decimal("-0.04")


def test_import_books_nothing(awaited: Expectations) -> None:
    make_format(now=NOW)
    worked_example(awaited)
    imported(*EXAMPLE, now=NOW)

    assert JournalTransaction.objects.count() == 0


def test_import_keeps_file_lines_and_a_trail(awaited: Expectations) -> None:
    form, importer = make_format(now=NOW), make_user(Role.FINANCE)

    row = imported(("a", "-3.04", "2026-03-01", "a note"), now=NOW, importer=importer).row

    assert (row.source, row.format, row.file_name, row.lines_read, row.lines_new) == (
        "wave", form, "march.csv", 1, 1,
    )  # fmt: skip
    assert (row.since, row.through) == (date(2026, 3, 1), date(2026, 3, 3))
    line = StatementLine.objects.get()
    assert (line.row_number, line.reference, line.amount_xof, line.text) == (
        2,
        "a",
        Decimal("-3.04"),
        "a note",
    )
    entry = TrailEntry.objects.get(subject=f"statement_import:{row.pk}")
    assert (entry.action, entry.actor_id) == ("import_statement", importer.pk)
    assert entry.facts == {
        "statement_source": "wave", "lines_read": 1, "lines_new": 1, "file_sha256": row.sha256,
        "statement_unexpected": 1,
    }  # fmt: skip


def test_import_same_file_twice_changes_nothing(awaited: Expectations) -> None:
    make_format(now=NOW)
    worked_example(awaited)
    first, importer = imported(*EXAMPLE, now=NOW), make_user(Role.FINANCE)

    with unchanged():
        again = imported(*EXAMPLE, now=NOW + timedelta(days=1), importer=importer, file_name="copy.csv")

    assert (again.row, again.is_new, again.found) == (first.row, False, {})


def test_import_same_file_for_another_source_is_another_statement(awaited: Expectations) -> None:
    for source in ("wave", "bank"):
        make_format(now=NOW, source=source)
        imported(("x", "1"), now=NOW, source=source)

    assert StatementImport.objects.count() == StatementLine.objects.count() == 2


def test_import_overlapping_statement_keeps_each_line_once(awaited: Expectations) -> None:
    make_format(now=NOW)
    imported(("x", "1"), ("x", "1"), ("y", "2"), now=NOW)

    row = imported(("y", "2"), ("x", "1"), ("x", "1"), ("x", "1"), ("z", "3"), now=NOW).row

    assert (row.lines_read, row.lines_new) == (5, 2)
    assert sorted(StatementLine.objects.values_list("reference", flat=True)) == ["x", "x", "x", "y", "z"]


def test_import_later_line_explains_what_was_missing(awaited: Expectations) -> None:
    make_format(now=NOW)
    awaited.add("a", "-500")
    imported(("x", "1"), now=NOW)
    [missing] = [item for item in open_ones().values() if item.code == "statement_missing"]

    later = NOW + timedelta(days=1)
    imported(("a", "-500", "2026-03-04"), now=later, since=date(2026, 3, 4), through=date(2026, 3, 4))

    missing.refresh_from_db()
    assert (missing.state, missing.closed_at) == ("explained", later)
    assert StatementMatch.objects.get(item=missing).method == "by_reference"
    entry = TrailEntry.objects.get(subject=f"statement_item:{missing.pk}", action="explain_item")
    assert (entry.from_state, entry.to_state, entry.actor_label) == (
        "open",
        "explained",
        "system:transfers.statements",
    )


def test_import_second_part_explains_what_was_mismatched(awaited: Expectations) -> None:
    make_format(now=NOW)
    awaited.add("a", "10")
    imported(("a", "7"), now=NOW)
    imported(("a", "2", "2026-03-03"), now=NOW)
    item = open_ones()["a"]
    assert (item.found_xof, len(item.lines)) == (Decimal(9), 2)

    imported(("a", "1", "2026-03-03"), now=NOW)

    item.refresh_from_db()
    match = StatementMatch.objects.get()
    assert (item.state, match.item, match.method, match.lines.count()) == ("explained", item, "by_sum", 3)
    actions = TrailEntry.objects.filter(subject=f"statement_item:{item.pk}").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["open_item", "change_item", "explain_item"]


def test_match_again_after_a_booking_explains_an_unexpected_line(awaited: Expectations) -> None:
    make_format(now=NOW)
    imported(("fee", "-25"), now=NOW)
    [item] = open_ones().values()

    awaited.add("movement:1", "-25", "fee", on=date(2026, 2, 1))

    assert match_again(now=NOW) == 0
    item.refresh_from_db()
    assert item.state == "explained"


def test_match_again_without_news_changes_nothing(awaited: Expectations) -> None:
    make_format(now=NOW)
    worked_example(awaited)
    imported(*EXAMPLE, now=NOW)

    with unchanged():
        assert match_again(now=NOW + timedelta(days=1)) == 3


def test_match_again_closes_what_is_expected_no_longer(awaited: Expectations) -> None:
    make_format(now=NOW)
    awaited.add("a", "10")
    imported(("x", "1"), now=NOW)
    awaited.lines.clear()

    match_again(now=NOW)

    assert StatementItem.objects.get(key="a").state == "lapsed"


def test_match_again_joins_an_unexpected_line_to_an_expectation_that_differs(awaited: Expectations) -> None:
    make_format(now=NOW)
    imported(("a", "9"), now=NOW)
    [line_item] = open_ones().values()
    awaited.add("a", "10")

    match_again(now=NOW)

    line_item.refresh_from_db()
    assert line_item.state == "merged"
    assert open_ones()["a"].code == "statement_mismatched"


def test_import_expects_only_the_days_that_it_covers(awaited: Expectations) -> None:
    make_format(now=NOW)
    awaited.add("before", "1", on=date(2026, 2, 28))
    awaited.add("first", "2", on=date(2026, 3, 1))
    awaited.add("last", "3", on=date(2026, 3, 3))
    awaited.add("after", "4", on=date(2026, 3, 4))

    imported(("after", "4"), now=NOW)

    assert set(open_ones()) == {"first", "last"}


def test_import_matches_by_a_rule_that_is_on(awaited: Expectations) -> None:
    make_format(now=NOW)
    finance = make_user(Role.FINANCE)
    layout: dict[str, Any] = {"tolerance_xof": Decimal(5), "days": 2, "text": "fee", "is_on": True}
    rule = save_rule(source="wave", name="fees", layout=layout, reason="monthly", saver=finance, now=NOW)
    awaited.add("a", "-100", "ours")
    awaited.add("b", "-200", "theirs")

    imported(("", "-103", "2026-03-03", "Monthly fee"), now=NOW)
    save_rule(
        source="wave", name="fees", layout={**layout, "is_on": False}, reason="ended", saver=finance, now=NOW
    )
    imported(("", "-203", "2026-03-03", "Monthly fee"), now=NOW)

    match = StatementMatch.objects.get()
    assert (match.method, match.rule, match.difference_xof) == ("by_rule", rule, Decimal(-3))
    assert "b" in open_ones()


def test_import_of_unknown_source_is_refused(awaited: Expectations) -> None:
    refusal = refused(("a", "1"), source="elsewhere")

    assert isinstance(refusal, StatementSourceUnknown)
    assert refusal.facts == {"statement_source": "elsewhere", "known_sources": ["bank", "wave"]}


def test_import_without_a_format_is_refused(awaited: Expectations) -> None:
    assert isinstance(refused(("a", "1")), StatementFormatMissing)


def test_import_with_one_bad_row_is_refused(awaited: Expectations) -> None:
    make_format(now=NOW)

    assert isinstance(refused(("a", "1"), ("b", "x")), StatementRowsRefused)


@pytest.mark.parametrize(
    "days",
    [
        {"since": date(2026, 3, 3), "through": None}, {"since": None, "through": date(2026, 3, 1)},
        {"through": NOW.date() + timedelta(days=1)},
    ],
)  # fmt: skip
def test_import_with_days_that_do_not_hold_its_lines_is_refused(awaited: Expectations, days: Any) -> None:
    make_format(now=NOW)

    refusal = refused(("a", "1"), **days)

    assert isinstance(refusal, StatementDaysDiffer)
    assert refusal.facts == {"first_day": "2026-03-02", "last_day": "2026-03-02"}


def test_import_without_days_covers_its_lines(awaited: Expectations) -> None:
    make_format(now=NOW)

    row = imported(("a", "1", "2026-03-03"), ("b", "1", "2026-03-01"), now=NOW, since=None, through=None).row

    assert (row.since, row.through) == (date(2026, 3, 1), date(2026, 3, 3))


def test_statement_of_the_tests_is_a_file() -> None:
    assert statement(("a", "1")) == b"Reference;Date;Amount;Note\na;2026-03-02;1;"
