"""Refusals have exactly their declared facts and a stable code."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest

from sunusav.core.errors import Conflict, DomainError, Unavailable


class CycleNotReady(Conflict):
    cycle_id: str
    missing_contributions: int


class CycleNotReadyYet(CycleNotReady):
    since: int
    note: ClassVar[str] = "not a fact"


class PlainRefusal(Conflict):
    pass


def test_code_is_the_class_name_in_kebab_case() -> None:
    assert (CycleNotReady.code, PlainRefusal.code) == ("cycle-not-ready", "plain-refusal")


def test_facts_are_attributes_and_listed() -> None:
    refusal = CycleNotReady(cycle_id="c-1", missing_contributions=2)
    assert refusal.facts == {"cycle_id": "c-1", "missing_contributions": 2}
    assert (refusal.cycle_id, refusal.missing_contributions) == ("c-1", 2)
    assert str(refusal) == "cycle-not-ready: cycle_id=c-1, missing_contributions=2"
    assert str(PlainRefusal()) == "plain-refusal"


def test_subclass_has_the_facts_of_its_parents_but_not_class_variables() -> None:
    assert CycleNotReadyYet.fact_names() == {"cycle_id", "missing_contributions", "since"}
    assert CycleNotReady.fact_names() == {"cycle_id", "missing_contributions"}


@pytest.mark.parametrize(
    "facts", [{}, {"cycle_id": "c"}, {"cycle_id": "c", "missing_contributions": 1, "x": 1}]
)
def test_raise_with_undeclared_facts_raises_type_error(facts: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="CycleNotReady takes the facts"):
        CycleNotReady(**facts)


def test_retry_after_is_not_a_fact() -> None:
    assert Unavailable.fact_names() == set()
    assert issubclass(Unavailable, DomainError)


class Detailed(Unavailable):
    until: datetime
    kinds: tuple[str, ...]
    rate: Decimal
    detail: str
    sats: int | None


def test_stored_facts_are_json_with_bounded_texts() -> None:
    refusal = Detailed(
        until=datetime(2026, 3, 4, 10, tzinfo=UTC),
        kinds=("a", "b"),
        rate=Decimal("0.50"),
        detail="x" * 501,
        sats=None,
    )

    assert refusal.stored_facts == {
        "until": "2026-03-04T10:00:00+00:00", "kinds": ["a", "b"], "rate": "0.50", "detail": "x" * 500, "sats": None,
    }  # fmt: skip
