"""Contributions that arrive while the product is down."""

from __future__ import annotations

import pytest

from tests.live_lnd.journeys.judgement import require_right
from tests.live_lnd.journeys.product import Product
from tests.live_lnd.regtest.network import WALLETS

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]


def test_contributions_paid_while_the_product_is_down_are_booked_when_it_is_back(product: Product) -> None:
    (cycle_id,) = product.new_cycles(1)
    invoices = product.invoices_of(cycle_id)
    product.stop()
    for payment_request in invoices:
        product.wallets.pay(WALLETS, payment_request)

    product.start()

    product.wait_for("ready", [cycle_id])
    product.give_invoice(cycle_id)
    product.order(cycle_id)
    product.wait_for("paid", [cycle_id])
    require_right(product)
