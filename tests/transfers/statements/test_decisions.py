"""Lines and expectations are matched by reference, by sums and by rules; each ends in exactly one group."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transfers.statement_enums import ItemCode, MatchMethod
from transfers.statements.decisions import MOST_ALIKE, Group, Rule, judge
from transfers.types import ExpectedLine, FoundLine

DAY = date(2026, 3, 2)


def line(key: int, amount: str, reference: str = "", *, days: int = 0, text: str = "") -> FoundLine:
    return FoundLine(key, reference, Decimal(amount), DAY + timedelta(days=days), text)


def expected(key: str, amount: str, *references: str, days: int = 0) -> ExpectedLine:
    return ExpectedLine(key, references, Decimal(amount), DAY + timedelta(days=days), f"disbursement:{key}")


def counts(groups: list[Group]) -> dict[str, int]:
    return dict(Counter(group.code.value if group.code else "matched" for group in groups))


def shape(groups: list[Group]) -> list[tuple[list[int], list[str], str | None]]:
    return [
        (
            [one.key for one in group.lines], [one.key for one in group.expected],
            group.method.value if group.method else None,
        )
        for group in groups
    ]  # fmt: skip


# The worked example: the file lacks one line, has 3.00 for 3.04, and an unknown 5.00.
EXPECTED = [
    expected("a", "3.04", "ref-a"), expected("b", "1.52", "ref-b"), expected("c", "2.24", "ref-c"),
    expected("d", "1.12", "ref-d"), expected("e", "240.00", "ref-e"),
]  # fmt: skip
FILE = [
    line(1, "3.00", "ref-a"), line(2, "1.52", "ref-b"), line(3, "2.24", "ref-c"), line(4, "240.00", "ref-e"),
    line(5, "5.00", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tolerance", "found"),
    [
        ("0", {"matched": 3, "statement_mismatched": 1, "statement_missing": 1, "statement_unexpected": 1}),
        (
            "0.03",
            {"matched": 3, "statement_mismatched": 1, "statement_missing": 1, "statement_unexpected": 1},
        ),
        ("0.04", {"matched": 4, "statement_missing": 1, "statement_unexpected": 1}),
        ("0.05", {"matched": 4, "statement_missing": 1, "statement_unexpected": 1}),
    ],
)
def test_match_worked_example_finds_one_of_each(tolerance: str, found: dict[str, int]) -> None:
    assert counts(judge(FILE, EXPECTED, tolerance_xof=Decimal(tolerance))) == found


def test_match_worked_example_states_the_exact_difference() -> None:
    groups = {group.key: group for group in judge(FILE, EXPECTED)}

    assert (groups["a"].found_xof, groups["a"].expected_xof) == (Decimal("3.00"), Decimal("3.04"))
    assert groups["a"].difference_xof == Decimal("-0.04")
    assert groups["d"].code is ItemCode.MISSING
    assert groups["line:5"].code is ItemCode.UNEXPECTED


def test_match_finds_an_expectation_by_any_of_its_references() -> None:
    groups = judge([line(1, "-500", "TX9")], [expected("a", "-500", "ours", "TX9")])

    assert shape(groups) == [([1], ["a"], "by_reference")]


def test_match_several_lines_of_one_reference_that_add_up() -> None:
    groups = judge([line(1, "7", "r"), line(2, "2", "r"), line(3, "1", "r")], [expected("a", "10", "r")])

    assert shape(groups) == [([1, 2, 3], ["a"], "by_sum")]


def test_match_one_line_that_pays_several_expectations() -> None:
    groups = judge([line(1, "30", "batch")], [expected("a", "10", "batch"), expected("b", "20", "batch")])

    assert shape(groups) == [([1], ["a", "b"], "by_sum")]


def test_match_sum_that_differs_is_one_mismatch() -> None:
    groups = judge([line(1, "7", "r"), line(2, "2", "r")], [expected("a", "10", "r")])

    assert shape(groups) == [([1, 2], ["a"], None)]
    assert (groups[0].code, groups[0].difference_xof) == (ItemCode.MISMATCHED, Decimal(-1))


def test_match_payment_and_its_reversal_of_one_reference_each_by_itself() -> None:
    found = [line(1, "-1000", "r"), line(2, "1000", "r")]
    groups = judge(found, [expected("attempt:1", "-1000", "r"), expected("reversal:1", "1000", "r")])

    assert shape(groups) == [([1], ["attempt:1"], "by_reference"), ([2], ["reversal:1"], "by_reference")]


def test_match_line_that_comes_twice_leaves_the_second_unexpected() -> None:
    groups = judge([line(1, "10", "r"), line(2, "10", "r")], [expected("a", "10", "r")])

    assert shape(groups) == [([1], ["a"], "by_reference"), ([2], [], None)]
    assert groups[1].code is ItemCode.UNEXPECTED


def test_match_two_lines_and_two_expectations_that_only_add_up_together_is_a_mismatch() -> None:
    groups = judge(
        [line(1, "9", "r"), line(2, "21", "r")], [expected("a", "10", "r"), expected("b", "20", "r")]
    )

    assert [group.code for group in groups] == [ItemCode.MISMATCHED]


def test_match_by_rule_names_the_rule() -> None:
    rule = Rule(7, Decimal(5), days=2, text="fee")
    groups = judge(
        [line(1, "103", days=2, text="Monthly FEE")], [expected("a", "100", "other")], rules=[rule]
    )

    assert shape(groups) == [([1], ["a"], "by_rule")]
    assert groups[0].rule == 7


@pytest.mark.parametrize(
    "found",
    [
        line(1, "106", days=2, text="fee"), line(1, "103", days=3, text="fee"), line(1, "103", days=2, text="tax"),
        line(1, "-103", days=2, text="fee"),
    ],
)  # fmt: skip
def test_match_by_rule_that_does_not_fit_leaves_both_open(found: FoundLine) -> None:
    groups = judge([found], [expected("a", "100")], rules=[Rule(7, Decimal(5), days=2, text="fee")])

    assert counts(groups) == {"statement_missing": 1, "statement_unexpected": 1}


def test_match_by_rule_of_two_that_fit_alike_leaves_all_open() -> None:
    groups = judge([line(1, "100")], [expected("a", "100"), expected("b", "100")], rules=[Rule(1)])

    assert counts(groups) == {"statement_missing": 2, "statement_unexpected": 1}


def test_match_by_rules_follows_their_order() -> None:
    groups = judge([line(1, "100")], [expected("a", "100")], rules=[Rule(2), Rule(1, Decimal(9))])

    assert groups[0].rule == 2


def test_match_does_not_use_rules_for_a_reference_that_is_known() -> None:
    groups = judge([line(1, "100", "r")], [expected("a", "90", "r"), expected("b", "100")], rules=[Rule(1)])

    assert counts(groups) == {"statement_mismatched": 1, "statement_missing": 1}


def test_match_by_rule_gives_up_where_too_many_are_alike() -> None:
    many = [expected(f"a{number}", "100", days=number) for number in range(MOST_ALIKE + 1)]

    assert counts(judge([line(1, "100")], many, rules=[Rule(1)])) == {
        "statement_missing": MOST_ALIKE + 1, "statement_unexpected": 1,
    }  # fmt: skip


REFERENCES = st.sampled_from(["", "r", "s", "t"])
AMOUNTS = st.integers(-4, 4).map(lambda number: Decimal(number) / 4)
LINES = st.lists(st.tuples(AMOUNTS, REFERENCES, st.integers(0, 3), st.sampled_from(["", "fee"])), max_size=7)
EXPECTATIONS = st.lists(st.tuples(AMOUNTS, st.lists(REFERENCES, max_size=2), st.integers(0, 3)), max_size=7)
RULES = st.lists(
    st.builds(Rule, st.integers(1, 3), AMOUNTS.map(abs), st.integers(0, 2), st.sampled_from(["", "fee"])), max_size=2
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=LINES, expectations=EXPECTATIONS, rules=RULES, tolerance=AMOUNTS.map(abs), data=st.data())
def test_match_puts_everything_in_one_group_whatever_the_order(
    lines: list, expectations: list, rules: list[Rule], tolerance: Decimal, data: st.DataObject
) -> None:
    found = [
        FoundLine(key, reference, amount, DAY + timedelta(days), text)
        for key, (amount, reference, days, text) in enumerate(lines)
    ]
    awaited = [
        ExpectedLine(f"e{key}", tuple(references), amount, DAY + timedelta(days), "s:1")
        for key, (amount, references, days) in enumerate(expectations)
    ]
    groups = judge(found, awaited, tolerance_xof=tolerance, rules=rules)

    assert sorted(one.key for group in groups for one in group.lines) == [one.key for one in found]
    assert sorted(one.key for group in groups for one in group.expected) == sorted(one.key for one in awaited)
    assert sum(group.found_xof for group in groups) == sum(one.amount_xof for one in found)
    assert sum(group.expected_xof for group in groups) == sum(one.amount_xof for one in awaited)
    assert len({group.key for group in groups}) == len(groups)
    for group in groups:
        assert group.code is None or group.method is None
        if group.method in {MatchMethod.REFERENCE, MatchMethod.SUM}:
            assert abs(group.difference_xof) <= tolerance
    shuffled = judge(
        data.draw(st.permutations(found)), data.draw(st.permutations(awaited)), tolerance_xof=tolerance, rules=rules
    )  # fmt: skip
    assert shuffled == groups
