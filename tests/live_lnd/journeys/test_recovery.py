"""Payouts that wait for a channel go as soon as it can be used."""

from __future__ import annotations

import time

import pytest

from tests.live_lnd.journeys.judgement import require_right
from tests.live_lnd.journeys.product import NET_SATS, PATIENCE_SECONDS, Product, side_by_side
from tests.live_lnd.polling import eventually
from transfers.enums import RAIL_DEFERRALS

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]

PAYOUTS = 45
WAITS_FOR_RAIL = {"insufficient-balance", *map(str, RAIL_DEFERRALS)}
NEW_CHANNEL_SATS = 5_000_000


def _waits(product: Product, cycle_id: str) -> bool:
    payout = product.platform.get(f"/payouts?cycle_id={cycle_id}")["results"][0]
    return payout["status"] == "processing" and payout["error_code"] in WAITS_FOR_RAIL


def require_paid_soon(product: Product, cycles: list[str], what: str) -> None:
    began = time.monotonic()
    product.wait_for("paid", cycles, within_seconds=PATIENCE_SECONDS)
    print(f"{what}: {len(cycles)} waiting payouts were paid within {time.monotonic() - began:.0f} s")
    require_right(product)


def prepared(product: Product) -> list[str]:
    cycles = product.new_cycles(PAYOUTS)
    product.collect(cycles)
    side_by_side(product.give_invoice, cycles)
    return cycles


def order_and_wait(product: Product, cycles: list[str]) -> None:
    side_by_side(product.order, cycles)
    eventually(
        lambda: all(_waits(product, one) for one in cycles),
        lambda: "some payouts do not wait",
        within_seconds=PATIENCE_SECONDS,
    )


def test_payouts_waiting_for_an_inactive_channel_are_paid_when_it_is_active_again(product: Product) -> None:
    cycles = prepared(product)
    product.network.wallets.kill()
    platform = product.network.platform
    eventually(lambda: platform.active_channels() == 0, lambda: "the channel is still active")
    order_and_wait(product, cycles)

    product.network.wallets.start()
    product.network.restore_channels()

    require_paid_soon(product, cycles, "channel active again")


def test_payouts_waiting_for_money_are_paid_when_a_new_channel_is_active(product: Product) -> None:
    cycles = prepared(product)
    product.spend_outside(product.sendable_sats() - NET_SATS)
    order_and_wait(product, cycles)

    product.network.open_channel(capacity_sats=NEW_CHANNEL_SATS)

    require_paid_soon(product, cycles, "new channel")
