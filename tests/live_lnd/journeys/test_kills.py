"""The paying worker and the node are killed while they pay; an invoice is refused and replaced."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from sandbox.platform import CallRefused
from tests.live_lnd.journeys.judgement import require_right
from tests.live_lnd.journeys.product import Product, side_by_side

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]

PAYOUTS = 40
# Payments that were refused when the node was killed wait for 60, 120 and 240 s.
PATIENCE_SECONDS = 480


def test_payouts_through_kills_of_worker_and_node_are_each_paid_once(product: Product) -> None:
    cycles = product.new_cycles(PAYOUTS)
    product.collect(cycles)
    side_by_side(product.give_invoice, cycles)

    side_by_side(product.order, cycles)
    for kills_node in (False, True, True):
        product.kill_paying_worker()
        if kills_node:
            product.network.platform.kill()
            product.network.platform.start()
        product.start_paying_worker()
        time.sleep(2)  # the worker claims and sends meanwhile
    product.network.restore_channels()

    product.wait_until_paid_or_left(cycles, within_seconds=PATIENCE_SECONDS)
    print(f"left in flight by the node: {sorted(product.left_in_flight)}")
    require_right(product)


def test_payout_whose_invoice_is_refused_is_paid_by_a_new_invoice(product: Product) -> None:
    (cycle_id,) = product.new_cycles(1)
    product.collect([cycle_id])
    product.wallets.cancel(product.give_invoice(cycle_id))
    with suppress(CallRefused):  # the answer, when it fails while the request waits
        product.order(cycle_id)
    product.wait_for("failed", [cycle_id])

    product.give_invoice(cycle_id)
    payout_id = product.platform.get(f"/payouts/status/{cycle_id}")["payout_id"]
    product.platform.post(f"/payouts/{payout_id}/retry", {"reason": "a new invoice"})

    product.wait_for("paid", [cycle_id])
    require_right(product)
