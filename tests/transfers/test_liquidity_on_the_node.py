"""Payments that wait because one of two channels is inactive, over the real rail and the simulated node.

Each needs 100,495 sats: 99,500 and at most 995 for the route.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lightning.world import NET_MSAT, PLATFORM, PLENTY_MSAT, World
from tests.transfers.builders import row_of, run, settle
from tests.transfers.lightning_payout import Payout, SharedWatch
from transfers.engine.breaker import count_failure
from transfers.engine.liquidity import look_at_rails
from transfers.models import RailBreaker, RailLiquidity

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_node")]

RAIL = "lightning"
NEEDED_MSAT = NET_MSAT + NET_MSAT // 100


@pytest.fixture
def watch(world: World) -> Iterator[SharedWatch]:
    yield SharedWatch(world)
    world.control.set_clock()


def look(watch: SharedWatch) -> int:
    return look_at_rails([RAIL], clock=watch)


def seen() -> RailLiquidity:
    return RailLiquidity.objects.get(pk=RAIL)


def deactivate_channel(world: World) -> None:
    """Leave a little less than a payment needs in the active channel, and the rest in an inactive one."""
    world.control.set_money(PLATFORM, local_msat=NEEDED_MSAT - 1_000)
    world.control.set_options(PLATFORM, inactive_msat=PLENTY_MSAT)


def activate_channel(world: World) -> None:
    world.control.set_options(PLATFORM, inactive_msat=0)
    world.control.set_money(PLATFORM, local_msat=PLENTY_MSAT)


def waits_as(payout: Payout) -> str:
    return row_of(payout.id).failure_code


def test_all_that_waited_is_paid_less_than_a_minute_after_the_channel_is_active(
    world: World, watch: SharedWatch
) -> None:
    # The node refuses one for insufficient balance, three times: it waits for four minutes.
    world.control.script(PLATFORM, {"do": "fail", "reason": "INSUFFICIENT_BALANCE"}, count=3)
    held = Payout(world, watch)
    for seconds in (0, 30, 30, 30, 90, 30):
        held.run(after=seconds)
    assert (waits_as(held), held.sends_in) == ("insufficient-balance", 210)
    deactivate_channel(world)
    look(watch)
    short = [Payout(world, watch, name=f"short{number}") for number in range(3)]
    run(watch)
    # Others fail, which stops the rail; what comes then waits for that, and is tried in ten minutes.
    for number in range(10):
        count_failure(RAIL, disbursement_id=10**6 + number, now=watch())
    RailBreaker.objects.update(wait_seconds=600, retry_at=watch.after(600))
    stopped = [Payout(world, watch, name=f"stopped{number}") for number in range(3)]
    run(watch)
    look(watch)
    payouts = [held, *short, *stopped]
    assert [waits_as(one) for one in payouts] == [
        "insufficient-balance", *["liquidity-short"] * 3, *["rail-stopped"] * 3
    ]  # fmt: skip
    assert seen().unusable_amount == PLENTY_MSAT
    back_at = watch()

    activate_channel(world)
    watch.advance(30)
    assert look(watch) == 7
    run(watch)

    for payout in payouts:
        assert payout.paid_times == 1
        assert payout.snapshot.state == "completed"
    assert RailBreaker.objects.get(pk=RAIL).state == "closed"
    assert seen().unusable == []
    assert (watch() - back_at).total_seconds() < 60


def test_what_waited_for_a_node_that_did_not_answer_is_paid_after_the_look_that_finds_it(
    world: World, watch: SharedWatch
) -> None:
    look(watch)
    world.control.stop_serving(PLATFORM)
    payout = Payout(world, watch)
    run(watch)
    assert waits_as(payout) == "rail-unavailable"
    watch.advance(5)
    look(watch)
    assert (seen().is_available, seen().failure_code) == (False, "rail-unavailable")
    world.control.start_serving(PLATFORM)
    world.wait_until_reached()
    watch.advance(5)

    assert look(watch) == 1
    run(watch)

    payout.assert_paid_once()


def test_a_small_growth_of_the_balance_releases_no_payment_that_the_node_refused(
    world: World, watch: SharedWatch
) -> None:
    world.script({"do": "fail", "reason": "INSUFFICIENT_BALANCE"})
    held = Payout(world, watch)
    held.run()
    settle(watch)
    world.control.set_money(PLATFORM, local_msat=2 * NEEDED_MSAT)
    look(watch)

    world.control.set_money(PLATFORM, local_msat=3 * NEEDED_MSAT - 1_000)
    assert look(watch) == 0

    world.control.set_money(PLATFORM, local_msat=4 * NEEDED_MSAT)
    assert look(watch) == 1
    held.run()
    held.assert_paid_once("failed")
