"""Payments that wait for a rail, one way each, and looks at the rail."""

from __future__ import annotations

from collections.abc import Callable

from tests.transfers.builders import NET_MSAT, ordered, row_of, run
from tests.transfers.rails import SteeredRail, Watch
from transfers.engine.breaker import count_failure
from transfers.engine.liquidity import look_at_rails
from transfers.enums import FailureClass
from transfers.models import RailLiquidity
from transfers.types import Refused

RAIL = "lightning"
HOLD = Refused("insufficient-balance", FailureClass.HOLD)
NO_ROUTE = Refused("no-route", FailureClass.RETRY)
PLENTY_MSAT = 10**12


def look(watch: Watch) -> int:
    return look_at_rails([RAIL], clock=watch)


def look_later(watch: Watch) -> int:
    watch.advance(30)
    return look(watch)


def seen() -> RailLiquidity:
    return RailLiquidity.objects.get(pk=RAIL)


def stop_rail(watch: Watch) -> None:
    for number in range(10):
        count_failure(RAIL, disbursement_id=10**6 + number, now=watch())


# Ways to wait for a rail that cannot send one more payment: each returns the payment


def short(node: SteeredRail, watch: Watch) -> int:
    node.balance_msat = NET_MSAT - 1
    pk = ordered()
    run(watch)
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("liquidity-short", watch.after(60))
    return pk


def short_at_prepare(node: SteeredRail, watch: Watch) -> int:
    """The rail sends to others between the gate's question and this payment's."""
    node.balance_msat = NET_MSAT

    def spend() -> None:
        node.balance_msat -= 1

    node.meanwhile["prepare"] = spend
    pk = ordered()
    run(watch)
    assert row_of(pk).attempts.count() == 0
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("liquidity-short", watch.after(60))
    return pk


def held(node: SteeredRail, watch: Watch) -> int:
    """The node refuses it for insufficient balance the third time: it waits for four minutes, of which one is over."""
    node.script.extend([HOLD, HOLD, HOLD])
    pk = ordered()
    for seconds in (0, 30, 30, 30, 90, 30, 30):
        watch.advance(seconds)
        run(watch)
    row = row_of(pk)
    assert (row.failure_code, row.attempts.count()) == ("insufficient-balance", 3)
    assert row.not_before == watch.after(240 - 60)
    node.balance_msat = NET_MSAT - 1
    return pk


def stopped(node: SteeredRail, watch: Watch) -> int:
    node.balance_msat = NET_MSAT - 1
    stop_rail(watch)
    pk = ordered()
    run(watch)
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("rail-stopped", watch.after(60))
    return pk


def unavailable(node: SteeredRail, watch: Watch) -> int:
    node.balance_msat = NET_MSAT - 1
    node.is_unavailable = True
    pk = ordered()
    run(watch)
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("rail-unavailable", watch.after(15))
    node.is_unavailable = False
    return pk


Waits = Callable[[SteeredRail, Watch], int]
WAYS = [short, short_at_prepare, held, stopped, unavailable]
