"""A winner claims a payout by scanning a withdrawal code; API, wallet protocol and node are real, it is paid once.

Two members give 50,000 sats each: a pot of 100,000; the fee is 1 %, so the code is for 99,000.
"""

from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from lightning.bolt11 import decode
from lightning.bolt11.bech32 import bytes_of, split
from payouts.services.withdrawals import take_withdrawals
from sunusav.core import clock
from tests.journeys.tontine import Tontine, successes
from tests.lightning.world import World
from transfers.engine.runner import run_due

pytestmark = pytest.mark.django_db

NET_MSAT = 99_000_000


class Wallet:
    """A wallet that reads a withdrawal code, requests the offer and sends an invoice."""

    def __init__(self, world: World) -> None:
        self.world, self.client = world, APIClient()

    def scan(self, lnurl: str) -> dict[str, Any]:
        prefix, digits = split(lnurl.lower())
        assert prefix == "lnurl"
        return self._get(bytes_of(digits).decode())

    def claim(self, offer: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        assert offer["tag"] == "withdrawRequest"
        assert offer["minWithdrawable"] == offer["maxWithdrawable"]
        invoice = self.world.invoice(offer["maxWithdrawable"])
        return invoice, self._get(f"{offer['callback']}?k1={offer['k1']}&pr={invoice}")

    def _get(self, address: str) -> dict[str, Any]:
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc) == ("https", "money.example.org")
        document: dict[str, Any] = self.client.get(f"{parts.path}?{parts.query}").json()
        return document


@pytest.fixture
def tontine(platform: APIClient, world: World, settings: Settings) -> Tontine:
    settings.PUBLIC_BASE_URL = "https://money.example.org"
    return Tontine(platform, world)


def test_claim_withdrawal_code_pays_winner_once(tontine: Tontine, world: World) -> None:
    tontine.ready("claimed")
    link = tontine.post("cycles/claimed/withdrawal-link", {}, 201)
    assert link["amount_sats"] == 99_000
    wallet = Wallet(world)
    offer = wallet.scan(link["lnurl"])

    invoice, answer = wallet.claim(offer)
    late, refused = wallet.claim(offer)

    assert answer == {"status": "OK"}
    assert refused == {"status": "ERROR", "reason": "Another invoice was first"}
    assert tontine.get("cycles/claimed/withdrawal-link")["status"] == "redeemed"
    assert take_withdrawals(now=clock.now(), cycle_id="claimed") == 1
    run_due(slots=1)
    claimed = tontine.get("cycles/claimed/withdrawal-link")
    payout = tontine.get(f"payouts/{claimed['payout_id']}")
    paid_hash = decode(invoice).payment_hash.hex()
    assert (claimed["status"], payout["status"], payout["net_payout"]) == ("taken", "completed", 99_000)
    assert payout["lightning_payment_hash"] == paid_hash
    assert (successes(world, paid_hash), successes(world, decode(late).payment_hash.hex())) == (1, 0)
    assert (tontine.cycle("claimed")["status"], tontine.pot_msat("claimed")) == ("paid", 0)


def test_claim_withdrawal_code_before_crash_pays_winner_later(tontine: Tontine, world: World) -> None:
    """The process died before it woke a worker; the periodic task finds the link."""
    tontine.ready("crashed")
    link = tontine.post("cycles/crashed/withdrawal-link", {}, 201)
    wallet = Wallet(world)
    wallet.claim(wallet.scan(link["lnurl"]))

    assert take_withdrawals(now=clock.now()) == 1
    run_due(slots=1)

    assert tontine.cycle("crashed")["status"] == "paid"
