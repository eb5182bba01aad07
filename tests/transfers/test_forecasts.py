"""What falls due in seven days, and on which day an account runs short; amounts worked by hand."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.types import xof
from sunusav.core.clock import Clock
from tests.fakes.franc_rail import FLOAT, phone
from tests.ledger.builders import stored_rate
from tests.transfers.builders import NODE, NOW, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from transfers.balance_queries import liquidity_forecast
from transfers.calculations import forecast, forecast_days
from transfers.engine.liquidity import look_at_rails
from transfers.enums import DisbursementState
from transfers.falling_due import FALLING_DUE
from transfers.models import Disbursement
from transfers.services.treasury_readings import read_treasury
from transfers.types import Choice, PaymentsDue, Unknown
from transfers.types.accounts import BANK

WEDNESDAY = date(2026, 3, 4)


def on(day: int, hour: int = 10, minute: int = 0) -> datetime:
    return NOW.replace(day=day, hour=hour, minute=minute)


def due(amount_xof: int, day: int, *, is_estimate: bool = False) -> PaymentsDue:
    return PaymentsDue(
        FLOAT, date(2026, 3, day), "due_scheduled", 1, xof(amount_xof), is_estimate=is_estimate
    )


def left(dues: list[PaymentsDue], sendable_xof: int | None) -> list[int | None]:
    days = forecast_days(WEDNESDAY)
    return [one.left_amount for one in forecast(FLOAT, dues, sendable_amount=sendable_xof, days=days).days]


# What is left


def test_float_of_two_hundred_against_two_hundred_forty_seven_names_forty_seven() -> None:
    dues = [due(150, 4), due(97, 6, is_estimate=True)]

    found = forecast(FLOAT, dues, sendable_amount=200, days=forecast_days(WEDNESDAY))

    assert [(one.day.day, one.due_amount, one.left_amount) for one in found.days] == [
        (4, 150, 50), (5, 0, 50), (6, 97, -47), (7, 0, -47), (8, 0, -47), (9, 0, -47), (10, 0, -47),
    ]  # fmt: skip
    assert found.short_on is not None
    assert (found.short_on.day, found.short_on.short_amount) == (date(2026, 3, 6), 47)
    assert (found.due_amount, found.is_estimate) == (247, True)


def test_float_of_exactly_what_is_due_is_not_short() -> None:
    found = forecast(FLOAT, [due(200, 10)], sendable_amount=200, days=forecast_days(WEDNESDAY))

    assert (found.days[-1].left_amount, found.short_on) == (0, None)


def test_what_is_overdue_counts_today_and_what_is_later_does_not() -> None:
    assert left([due(30, 2), due(5, 11)], 100) == [70] * 7


def test_unknown_money_leaves_nothing_to_say() -> None:
    found = forecast(FLOAT, [due(30, 4)], sendable_amount=None, days=forecast_days(WEDNESDAY))

    assert ([one.left_amount for one in found.days], found.short_on) == ([None] * 7, None)


def test_other_accounts_take_nothing() -> None:
    other = PaymentsDue(BANK, WEDNESDAY, "due_scheduled", 1, xof(30))

    assert left([other], 100) == [100] * 7


# What falls due


def listed() -> list[tuple[str, int, str, int, int]]:
    return [
        (one.account.code, one.due_on.day, one.what, one.count, one.money.amount)
        for list_due in FALLING_DUE
        for one in list_due(forecast_days(WEDNESDAY))
    ]


def scheduled(name: str, at: datetime, **changes: Any) -> int:
    return ordered(name, scheduled_at=at, **changes)


@pytest.mark.django_db
def test_payments_fall_due_on_their_day_in_dakar() -> None:
    ordered("awa")
    scheduled("binta", on(4, 23, 59))
    scheduled("coumba", on(5, 0, 0))
    scheduled("dieynaba", on(10, 23, 59))
    scheduled("eva", on(11, 0, 0))

    assert listed() == [
        (NODE.code, 4, "due_processing", 1, 99_000_000),
        (NODE.code, 4, "due_scheduled", 1, 100_000_000),
        (NODE.code, 5, "due_scheduled", 1, 100_000_000),
        (NODE.code, 10, "due_scheduled", 1, 100_000_000),
    ]


@pytest.mark.django_db
def test_payment_that_must_wait_falls_due_when_its_wait_ends() -> None:
    pk = ordered("awa")
    Disbursement.objects.filter(pk=pk).update(due_at=on(4), not_before=on(6))

    assert listed() == [(NODE.code, 6, "due_processing", 1, 99_000_000)]


@pytest.mark.django_db
@pytest.mark.parametrize("state", [DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW])
def test_payment_that_a_person_decides_about_falls_due_today(state: DisbursementState) -> None:
    pk = ordered("awa")
    Disbursement.objects.filter(pk=pk).update(state=state, due_at=None)

    assert listed() == [(NODE.code, 4, f"due_{state}", 1, 99_000_000)]


@pytest.mark.django_db
@pytest.mark.parametrize("state", [DisbursementState.CANCELLED, DisbursementState.COMPLETED])
def test_payment_that_has_ended_does_not_fall_due(state: DisbursementState) -> None:
    pk = ordered("awa")
    completed_at = NOW if state == DisbursementState.COMPLETED else None
    Disbursement.objects.filter(pk=pk).update(state=state, completed_at=completed_at)

    assert listed() == []


@pytest.mark.django_db(transaction=True)
def test_payment_that_its_provider_has_is_no_longer_due(node: SteeredRail, watch: Watch) -> None:
    node.script.append(Unknown(seen=True, reason="in-flight"))
    ordered("awa")
    assert [row[2] for row in listed()] == ["due_processing"]

    run(watch)

    assert listed() == []


# As the task reads it


def read(clock: Clock = lambda: NOW) -> None:
    look_at_rails(["lightning", "franc"], clock=clock)
    read_treasury(now=NOW)


@pytest.mark.django_db(transaction=True)
def test_sats_to_be_paid_in_francs_are_estimated_at_the_latest_rate(node: SteeredRail) -> None:
    """100,000 sats are 8,000 francs at 8,000,000: the fee is not fixed yet."""
    stored_rate("8000000")
    scheduled("awa", on(6), choices=_to_phone())
    scheduled("binta", on(6), choices=_to_phone("+221771234568"))

    read()

    (found,) = liquidity_forecast(now=NOW).dues
    assert found == PaymentsDue(FLOAT, date(2026, 3, 6), "due_scheduled", 2, xof(16_000), is_estimate=True)


@pytest.mark.django_db(transaction=True)
def test_francs_that_are_fixed_are_no_estimate(node: SteeredRail) -> None:
    """Of 100,000 sats the net of 99,000 was fixed at 7,920 francs; a later rate changes nothing."""
    stored_rate("8000000")
    ordered("awa", choices=_to_phone())
    stored_rate("8900000", at=NOW)

    read()

    (found,) = liquidity_forecast(now=NOW).dues
    assert found == PaymentsDue(FLOAT, WEDNESDAY, "due_processing", 1, xof(7_920), is_estimate=False)


@pytest.mark.django_db(transaction=True)
def test_forecast_names_the_day_on_which_the_node_runs_short(node: SteeredRail) -> None:
    """The node can send 150,000 sats: 99,000 today, and 100,000 on Friday are 49,000 more than it has."""
    node.balance_msat = 150_000_000
    ordered("awa")
    scheduled("binta", on(6))

    read()

    found = {one.account: one for one in liquidity_forecast(now=NOW).accounts}
    short = found[NODE].short_on
    assert short is not None
    assert (short.day.day, short.short_amount, short.is_estimate) == (6, 49_000_000, True)
    assert found[NODE].days[0].left_amount == 51_000_000
    assert found[FLOAT].short_on is None
    assert (found[FLOAT].sendable_amount, found[BANK].sendable_amount) == (10**9, 0)


@pytest.mark.django_db(transaction=True)
def test_forecast_is_read_by_as_many_queries_for_many_payments(node: SteeredRail) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            read_treasury(now=NOW)
        return len(found)

    ordered("awa")
    read()
    few = queries()
    for number in range(12):
        scheduled(f"user-{number}", on(4 + number % 7, 12))

    assert queries() == few
    with CaptureQueriesContext(connection) as page:
        liquidity_forecast(now=NOW)
    assert len(page) <= 6


def _to_phone(number: str = "+221771234567") -> tuple[Choice, ...]:

    return (Choice(phone(number)),)
