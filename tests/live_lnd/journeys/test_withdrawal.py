"""A winner claims the payout with a wallet that reads a withdrawal link (LUD-01, LUD-03)."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from lightning.bolt11.bech32 import bytes_of, split
from tests.live_lnd.journeys.judgement import require_right
from tests.live_lnd.journeys.product import MSAT, NET_SATS, Product
from tests.live_lnd.regtest.network import WALLETS

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb]


def test_withdrawal_link_read_by_a_wallet_pays_its_first_invoice_once(product: Product) -> None:
    (cycle_id,) = product.new_cycles(1)
    product.collect([cycle_id])
    link = product.platform.post(f"/cycles/{cycle_id}/withdrawal-link", {})
    offer = _get(bytes_of(split(link["lnurl"].lower())[1]).decode())
    assert (offer["tag"], offer["minWithdrawable"], offer["maxWithdrawable"]) == (
        "withdrawRequest",
        NET_SATS * MSAT,
        NET_SATS * MSAT,
    )
    first, second = (product.wallets.invoice(WALLETS, offer["maxWithdrawable"]) for _ in range(2))

    accepted, refused = (
        _get(f"{offer['callback']}?k1={offer['k1']}&pr={one['payment_request']}") for one in (first, second)
    )

    assert accepted == {"status": "OK"}
    assert refused["status"] == "ERROR"
    product.wait_for("paid", [cycle_id])
    assert product.wallets.is_settled(first["payment_hash"])
    assert not product.wallets.is_settled(second["payment_hash"])
    require_right(product)


def _get(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=30) as response:
        document: dict[str, Any] = json.load(response)
    return document
