"""The main job and its variations, through the API."""

from __future__ import annotations

import statistics
from datetime import datetime

import pytest

from sandbox.scenario import DEMO_CYCLE
from tests.live_lnd.journeys.judgement import require_right
from tests.live_lnd.journeys.product import Product, side_by_side

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]

PAYOUTS = 100


def test_main_job_collects_from_ten_members_and_pays_the_winner_once(product: Product) -> None:
    """A pot of 100,000 sats of a verified group: the fee is 0.5 %, the winner gets 99,500."""
    product.scenario().run(prepares_example=False)

    (payout,) = [row for row in product.payouts() if row["cycle_id"] == DEMO_CYCLE]
    assert (payout["status"], payout["net_payout"]) == ("completed", 99_500)
    assert product.wallets.is_settled(payout["lightning_payment_hash"])
    require_right(product)


def test_hundred_payouts_side_by_side_are_each_paid_once(product: Product) -> None:
    cycles = product.new_cycles(PAYOUTS)
    product.collect(cycles)
    hashes = side_by_side(product.give_invoice, cycles)

    side_by_side(product.order, cycles)
    product.wait_for("paid", cycles)

    assert all(side_by_side(product.wallets.is_settled, hashes))
    took = [_seconds(row) for row in product.payouts() if row["cycle_id"] in cycles]
    print(f"{len(took)} payouts, median {statistics.median(took):.2f} s, slowest {max(took):.2f} s")
    assert len(took) == PAYOUTS
    require_right(product)


def _seconds(payout: dict[str, str]) -> float:
    began, ended = (datetime.fromisoformat(payout[name]) for name in ("created_at", "completed_at"))
    return (ended - began).total_seconds()
