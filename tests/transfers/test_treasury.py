"""What health, metrics and pages read of the looks at rails, and of what waits for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ledger.types import msat
from tests.factories.limits import set_limit_to
from tests.factories.treasury import book, opening
from tests.transfers.builders import NET_MSAT, NET_SATS, PAYOUT_MSAT, ordered, run
from tests.transfers.liquidity_cases import NO_ROUTE, PLENTY_MSAT, RAIL, WAYS, Waits, look, look_later, seen
from tests.transfers.rails import SteeredRail, Watch
from transfers.calculations import unexplained_difference
from transfers.health import HEALTH_CHECKS
from transfers.metrics import METRICS
from transfers.models import RailLiquidity
from transfers.rails import rail
from transfers.treasury import exceeds_sendable, is_different, waiting_for_rails
from transfers.types import Sendable, Unknown, Unusable, WaitingForRail

pytestmark = pytest.mark.django_db


def health(watch: Watch) -> tuple[str, dict[str, Any]]:
    (report,) = [check.run(watch()) for check in HEALTH_CHECKS if check.component == "liquidity"]
    return report.status, report.facts


def test_health_is_degraded_by_an_old_look(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 700
    assert health(watch) == ("ok", {"short_for_waiting": []})
    look(watch)
    facts = {
        "age_seconds": 120, "is_available": True, "failure_code": "", "failure_facts": {}, "currency": "msat",
        "sendable": 700, "largest_payment": 700, "unusable": 0,
    }  # fmt: skip
    watch.advance(120)
    assert health(watch) == ("ok", {"lightning": facts, "short_for_waiting": []})
    watch.advance(1)
    assert health(watch) == (
        "degraded",
        {"lightning": {**facts, "age_seconds": 121}, "short_for_waiting": []},
    )


def test_health_without_a_look_is_degraded_two_minutes_after_the_first_attempt(
    node: SteeredRail, watch: Watch
) -> None:
    ordered()
    run(watch)
    watch.advance(120)
    assert health(watch) == ("ok", {"short_for_waiting": []})
    watch.advance(1)
    assert health(watch) == ("degraded", {"short_for_waiting": []})


def test_health_is_degraded_by_unusable_money_and_by_an_unavailable_rail(
    node: SteeredRail, watch: Watch
) -> None:
    look(watch)
    assert health(watch)[0] == "ok"
    RailLiquidity.objects.update(unusable=[{"reference": "txid:0", "amount": 7}])
    status, facts = health(watch)
    assert (status, facts["lightning"]["unusable"]) == ("degraded", 7)

    node.is_unavailable = True
    RailLiquidity.objects.update(unusable=[])
    look(watch)
    status, facts = health(watch)
    assert (status, facts["lightning"]["is_available"]) == ("degraded", False)


def test_metrics_have_the_amounts_of_each_rail_and_their_age(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> dict[str, list[tuple[int, dict[str, str]]]]:
        return {
            metric.name: [(one.value, dict(one.labels)) for one in metric.read(watch())] for metric in METRICS
        }

    assert read()["rail_sendable"] == []
    monkeypatch.setattr(
        node, "sendable", lambda: Sendable(msat(900), msat(400), (Unusable("txid:0", msat(700)),))
    )
    look(watch)
    node.is_unavailable = True
    watch.advance(45)
    monkeypatch.undo()
    look(watch)

    shown = read()
    labels = {"rail": "lightning", "currency": "msat"}
    assert shown["rail_sendable"] == [(900, labels)]
    assert shown["rail_largest_payment"] == [(400, labels)]
    assert shown["rail_unusable"] == [(700, labels)]
    assert shown["rail_liquidity_age_seconds"] == [(45, {"rail": "lightning"})]


@pytest.mark.parametrize("waits", WAYS)
def test_payment_that_waits_for_its_rail_is_counted_until_it_is_paid(
    waits: Waits, node: SteeredRail, watch: Watch
) -> None:
    assert waiting_for_rails() == {}

    waits(node, watch)

    assert waiting_for_rails() == {"lightning": WaitingForRail(1, msat(NET_MSAT), msat(NET_MSAT))}
    look(watch)
    node.balance_msat = PLENTY_MSAT
    look(watch)
    run(watch)
    assert waiting_for_rails() == {}


def test_payments_that_wait_for_something_else_are_not_counted(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("total_hour", NET_SATS, now=watch())
    node.script.append(NO_ROUTE)
    for name in ("retried", "limited"):
        ordered(name)
    run(watch)

    assert waiting_for_rails() == {}


@pytest.mark.parametrize(
    ("total_msat", "largest_msat", "sendable", "exceeds"),
    [
        (100_000, 60_000, (100_000, 60_000), False),
        (100_001, 60_000, (100_000, 60_000), True),
        (100_000, 60_001, (100_000, 60_000), True),
        (100_000, 60_000, (None, None), False),
    ],
)
def test_waiting_payments_exceed_what_can_be_sent_in_all_or_in_one(
    total_msat: int,
    largest_msat: int,
    sendable: tuple[int | None, int | None],
    exceeds: bool,
) -> None:
    row = RailLiquidity(rail=RAIL, total=sendable[0], largest=sendable[1])

    assert (
        exceeds_sendable(WaitingForRail(2, msat(total_msat), msat(largest_msat)), row, rail(RAIL)) is exceeds
    )


# What providers hold, compared with the books


@pytest.mark.parametrize(
    ("provider", "booked", "under_way", "difference"),
    [
        (100, (100, 100), 0, 0),
        (103, (100, 100), 0, 3),
        (96, (100, 100), 0, -4),
        # 30 are under way: the provider has taken none, some or all of them, or one more.
        (100, (100, 100), 30, 0),
        (85, (100, 100), 30, 0),
        (70, (100, 100), 30, 0),
        (69, (100, 100), 30, -1),
        (101, (100, 100), 30, 1),
        # 20 were booked as paid while the provider was asked: it answered before or after.
        (100, (100, 80), 0, 0),
        (80, (100, 80), 0, 0),
        (79, (100, 80), 0, -1),
        # 20 were booked as received meanwhile.
        (120, (100, 120), 0, 0),
        (121, (100, 120), 0, 1),
    ],
)
def test_difference_is_what_payments_under_way_and_bookings_do_not_explain(
    provider: int, booked: tuple[int, int], under_way: int, difference: int
) -> None:
    assert unexplained_difference(provider, booked=booked, under_way=under_way) == difference


def compared(row: RailLiquidity) -> tuple[Any, ...]:
    return (
        row.currency, row.provider_amount, row.booked_amount, row.difference_amount, row.balance_at,
        row.differs_since,
    )  # fmt: skip


def test_look_compares_what_the_provider_holds_with_the_books(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    look(watch)
    assert compared(seen()) == ("msat", 0, 0, 0, watch(), None)

    node.balance_msat = 7
    begun = watch.after(30)
    look_later(watch)
    assert compared(seen()) == ("msat", 7, 0, 7, begun, begun)
    look_later(watch)
    assert compared(seen()) == ("msat", 7, 0, 7, watch(), begun)
    assert not is_different(seen(), now=begun + timedelta(minutes=15, seconds=-1))
    assert is_different(seen(), now=begun + timedelta(minutes=15))

    book(opening(amount=7), now=watch())
    look_later(watch)
    assert compared(seen()) == ("msat", 7, 7, 0, watch(), None)


def test_payment_under_way_is_no_difference(node: SteeredRail, watch: Watch) -> None:
    """The books have its net until it is paid; of the node's balance, net and routing fee are gone."""
    node.script.append(Unknown(seen=True, reason="in-flight"))
    ordered()
    run(watch)
    for taken_msat, difference in ((0, 0), (NET_MSAT + 10_000, 0), (NET_MSAT + 10_001, -1)):
        node.balance_msat = PAYOUT_MSAT - taken_msat
        look_later(watch)
        assert seen().difference_amount == difference


def test_look_at_a_rail_that_does_not_know_its_balance_keeps_the_last_one(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.balance_msat = 700
    look(watch)
    at = watch()
    monkeypatch.setattr(node, "sendable", lambda: Sendable(msat(900), msat(900)))
    node.is_unavailable = True
    look_later(watch)

    row = seen()
    assert (row.is_available, row.total, row.known_at) == (True, 900, watch())
    assert (row.provider_amount, row.balance_at) == (700, at)


def test_health_and_metric_report_a_difference_that_lasts(node: SteeredRail, watch: Watch) -> None:
    def report() -> tuple[str, dict[str, Any]]:
        (found,) = [check.run(watch()) for check in HEALTH_CHECKS if check.component == "balances"]
        return found.status, found.facts

    def metric() -> list[tuple[int, dict[str, str]]]:
        (found,) = [one for one in METRICS if one.name == "books_provider_difference"]
        return [(sample.value, dict(sample.labels)) for sample in found.read(watch())]

    assert (report(), metric()) == (("ok", {}), [])
    node.balance_msat = 7
    begun = watch()
    look(watch)
    facts = {
        "currency": "msat", "provider": 7, "books": 0, "difference": 7, "age_seconds": 0,
        "differs_since": begun.isoformat(),
    }  # fmt: skip
    assert report() == ("ok", {"lightning": facts})
    assert metric() == [(7, {"rail": "lightning", "currency": "msat"})]

    watch.advance(15 * 60)
    look(watch)
    assert report() == ("degraded", {"lightning": facts})
