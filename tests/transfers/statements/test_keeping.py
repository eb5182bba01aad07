"""Finance keeps how statements are read and matched: each change is a new version, with a reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role
from tests.factories.statements import Expectations, make_format
from tests.factories.users import make_user
from tests.transfers.builders import NOW
from tests.transfers.unchanged import unchanged
from transfers.models import MatchingRule, StatementFormat
from transfers.statement_errors import MatchingRuleInvalid, StatementFormatInvalid, StatementSourceUnknown
from transfers.statements.keeping import save_rule
from transfers.statements.queries import format_of, rules_of

pytestmark = pytest.mark.django_db

RULE: dict[str, Any] = {"tolerance_xof": Decimal(1), "days": 1, "text": "", "is_on": True}


@pytest.fixture(autouse=True)
def sources(awaited: Expectations) -> None:
    """The partner and the bank of one app."""


def test_save_format_again_is_the_next_version_and_holds() -> None:
    saver = make_user(Role.FINANCE)
    make_format(now=NOW)
    make_format(now=NOW, source="bank")
    row = make_format(now=NOW, saver=saver, delimiter=",")

    assert (row.version, format_of("wave")) == (2, row)
    entry = TrailEntry.objects.get(subject=f"statement_format:{row.pk}")
    assert (entry.action, entry.actor_id, entry.reason) == (
        "save_format",
        saver.pk,
        "as the partner sends it",
    )


@pytest.mark.parametrize(
    ("layout", "wrong"),
    [
        ({"moment_column": ""}, "moment_column"), ({"amount_reading": "guessed"}, "amount_reading"),
        ({"amount_column": ""}, "amount_column"), ({"debit_column": "D"}, "debit_column"),
        ({"amount_reading": "debit_credit", "amount_column": "", "debit_column": "D"}, "credit_column"),
        ({"amount_reading": "debit_credit"}, "amount_column"), ({"encoding": "utf-16"}, "encoding"),
        ({"delimiter": "x"}, "delimiter"), ({"decimal_mark": "x"}, "decimal_mark"),
        ({"thousands_mark": "."}, "thousands_mark"), ({"moment_format": "%s"}, "moment_format"),
        ({"header_row": 0}, "header_row"), ({"header_row": 51}, "header_row"),
        ({"tolerance_xof": Decimal(-1)}, "tolerance_xof"), ({"tolerance_xof": Decimal("0.00001")}, "tolerance_xof"),
        ({"tolerance_xof": Decimal(10) ** 11}, "tolerance_xof"),
    ],
)  # fmt: skip
def test_save_format_that_does_not_fit_together_is_refused(layout: dict[str, Any], wrong: str) -> None:
    saver = make_user(Role.FINANCE)

    with unchanged(), pytest.raises(StatementFormatInvalid) as refusal:
        make_format(now=NOW, saver=saver, **layout)

    assert refusal.value.facts == {"wrong": wrong}


def test_save_format_of_unknown_source_is_refused() -> None:
    saver = make_user(Role.FINANCE)

    with unchanged(), pytest.raises(StatementSourceUnknown):
        make_format(now=NOW, source="elsewhere", saver=saver)


def test_rules_hold_in_the_order_of_their_names_while_they_are_on() -> None:
    saver = make_user(Role.FINANCE)

    def save(name: str, **changes: Any) -> MatchingRule:
        layout = {**RULE, **changes}
        return save_rule(source="wave", name=name, layout=layout, reason="monthly", saver=saver, now=NOW)

    save("b")
    first, second = save("a", days=2), save("b", days=3)
    save("c")
    save("c", is_on=False)

    assert rules_of("wave") == [first, second]
    assert (second.version, rules_of("bank")) == (2, [])


@pytest.mark.parametrize(
    ("name", "layout", "wrong"),
    [
        (" ", {}, "name"), ("a", {"tolerance_xof": Decimal(-1)}, "tolerance_xof"), ("a", {"days": 32}, "days"),
        ("a", {"days": -1}, "days"),
    ],
)  # fmt: skip
def test_save_rule_that_does_not_fit_together_is_refused(
    name: str, layout: dict[str, Any], wrong: str
) -> None:
    saver = make_user(Role.FINANCE)

    with unchanged(), pytest.raises(MatchingRuleInvalid) as refusal:
        save_rule(source="wave", name=name, layout={**RULE, **layout}, reason="x", saver=saver, now=NOW)

    assert refusal.value.facts == {"wrong": wrong}
    assert StatementFormat.objects.count() == 0
