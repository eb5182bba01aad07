"""What health, metrics and pages read of the looks at rails, and of what waits for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories.limits import set_limit_to
from tests.transfers.builders import NET_SATS, ordered, run
from tests.transfers.liquidity_cases import NO_ROUTE, PLENTY_MSAT, RAIL, WAYS, Waits, look
from tests.transfers.rails import SteeredRail, Watch
from transfers.health import HEALTH_CHECKS
from transfers.metrics import METRICS
from transfers.models import RailLiquidity
from transfers.rails import rail
from transfers.treasury import exceeds_sendable, waiting_for_rails
from transfers.types import Sendable, Unusable, WaitingForRail

pytestmark = pytest.mark.django_db


def health(watch: Watch) -> tuple[str, dict[str, Any]]:
    (report,) = [check.run(watch()) for check in HEALTH_CHECKS if check.component == "liquidity"]
    return report.status, report.facts


def test_health_is_degraded_by_an_old_look(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 700
    assert health(watch) == ("ok", {})
    look(watch)
    facts = {
        "age_seconds": 120, "is_available": True, "failure_code": "", "failure_facts": {}, "sendable_msat": 700,
        "largest_payment_msat": 700, "unusable_msat": 0,
    }  # fmt: skip
    watch.advance(120)
    assert health(watch) == ("ok", {"lightning": facts})
    watch.advance(1)
    assert health(watch) == ("degraded", {"lightning": {**facts, "age_seconds": 121}})


def test_health_without_a_look_is_degraded_two_minutes_after_the_first_attempt(
    node: SteeredRail, watch: Watch
) -> None:
    ordered()
    run(watch)
    watch.advance(120)
    assert health(watch) == ("ok", {})
    watch.advance(1)
    assert health(watch) == ("degraded", {})


def test_health_is_degraded_by_unusable_money_and_by_an_unavailable_rail(
    node: SteeredRail, watch: Watch
) -> None:
    look(watch)
    assert health(watch)[0] == "ok"
    RailLiquidity.objects.update(unusable=[{"reference": "txid:0", "amount_msat": 7}])
    status, facts = health(watch)
    assert (status, facts["lightning"]["unusable_msat"]) == ("degraded", 7)

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

    assert read()["rail_sendable_msat"] == []
    monkeypatch.setattr(node, "sendable", lambda: Sendable(900, 400, (Unusable("txid:0", 700),)))
    look(watch)
    node.is_unavailable = True
    watch.advance(45)
    monkeypatch.undo()
    look(watch)

    shown = read()
    labels = {"rail": "lightning"}
    assert shown["rail_sendable_msat"] == [(900, labels)]
    assert shown["rail_largest_payment_msat"] == [(400, labels)]
    assert shown["rail_unusable_msat"] == [(700, labels)]
    assert shown["rail_liquidity_age_seconds"] == [(45, labels)]


@pytest.mark.parametrize("waits", WAYS)
def test_payment_that_waits_for_its_rail_is_counted_until_it_is_paid(
    waits: Waits, node: SteeredRail, watch: Watch
) -> None:
    assert waiting_for_rails() == {}

    waits(node, watch)

    assert waiting_for_rails() == {"lightning": WaitingForRail(1, NET_SATS, NET_SATS)}
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
    ("total_sats", "largest_sats", "sendable", "exceeds"),
    [
        (100, 60, (100_000, 60_000), False),
        (101, 60, (100_000, 60_000), True),
        (100, 61, (100_000, 60_000), True),
        (100, 60, (None, None), False),
    ],
)
def test_waiting_payments_exceed_what_can_be_sent_in_all_or_in_one(
    total_sats: int,
    largest_sats: int,
    sendable: tuple[int | None, int | None],
    exceeds: bool,
) -> None:
    row = RailLiquidity(rail=RAIL, total_msat=sendable[0], largest_msat=sendable[1])

    assert exceeds_sendable(WaitingForRail(2, total_sats, largest_sats), row, rail(RAIL)) is exceeds
