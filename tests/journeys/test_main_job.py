"""The payout of a cycle through the API and a simulated node, with numbers worked out by hand.

Ten members give 10,000 sats each: a pot of 100,000. The group is verified: the fee is floor(100,000 x 0.5 %) = 500,
of which platform floor(50 %) = 250, community floor(20 %) = 100, partner reserve the remaining 150; the winner gets
99,500.
"""

from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from ledger.auditor import audit
from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.services import seal_books
from ledger.types import AccountRef
from lightning.bolt11 import decode
from lightning.client import LndClient
from lightning.services import record_settlement
from sunusav.core import clock
from sunusav.core.trail import seal_trail
from tests.journeys.tontine import Problem, Tontine, successes
from tests.lightning.world import PLATFORM, World
from tests.transfers.unchanged import unchanged
from transfers.engine.runner import run_due
from transfers.matching import match_rail
from transfers.types import credit_of

pytestmark = pytest.mark.django_db

POT_MSAT, NET_MSAT = 100_000_000, 99_500_000
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)


def owed_msat(role: AccountRole, owner: str = "") -> int:
    return owed(AccountRef(role, Currency.MSAT, owner))


def listen_once(world: World) -> None:
    """Pass every settled invoice of our node to the listener's service, as its subscription would."""
    client = LndClient(world.access("invoicing"))
    for invoice in client.list_newest_invoices(before_index=0, page_size=100).invoices:
        if invoice.state == invoice.SETTLED:
            record_settlement(invoice, now=clock.now())


def test_process_cycle_of_ten_members_pays_winner_99500_of_100000_sats_once(
    platform: APIClient, world: World
) -> None:
    tontine = Tontine(platform, world, members=10, verified=True)
    tontine.begin("main", contribution_sats=10_000)

    # Nine pay: the listener records five of them, the sweep finds the others.
    for number, user_id in enumerate(tontine.members[:9], start=1):
        tontine.pay(tontine.contribution("main", user_id)["payment_request"])
        if number == 5:
            listen_once(world)
    tontine.sweep()
    shown = tontine.cycle("main")
    assert (shown["status"], shown["contributions_due"], shown["contributions_settled"]) == (
        "collecting",
        10,
        9,
    )
    with unchanged():
        refused = Problem.of(tontine.process("main"))
    assert refused.facts["missing_contributions"] == 1

    tontine.pay(tontine.contribution("main", tontine.members[9])["payment_request"])
    tontine.sweep()
    shown = tontine.cycle("main")
    assert (shown["status"], shown["expected_net_sats"]) == ("ready", 99_500)
    assert (tontine.pot_msat("main"), balance(NODE)) == (POT_MSAT, POT_MSAT)

    invoice = tontine.invoice(NET_MSAT)
    payment_hash = decode(invoice).payment_hash.hex()
    assert tontine.set_destination("main", invoice).status_code == 200
    answer = tontine.process("main", group_verified=True, user_recurring=False)
    assert answer.status_code == 202
    payout_id = answer.json()["payout_id"]
    assert answer.json() == {
        "payout_id": payout_id,
        "cycle_id": "main",
        "payout_total": 100_000,
        "sats_fee": 500,
        "net_payout": 99_500,
        "platform_share": 250,
        "community_share": 100,
        "partner_reserved": 150,
        "lightning_payment_hash": None,
        "status": "processing",
    }
    assert tontine.cycle("main")["status"] == "paying"
    assert successes(world, payment_hash) == 0

    assert run_due(slots=1).worked == 1

    assert successes(world, payment_hash) == 1
    (row,) = world.control.payments_of(PLATFORM, payment_hash)
    assert (row["status"], row["value_msat"], row["sends"]) == ("SUCCEEDED", NET_MSAT, 1)
    _require_receipt(tontine.get(f"payouts/{payout_id}/receipt"), payment_hash, row["preimage"])
    _require_books(tontine, row["fee_msat"])
    _require_no_second_payment(tontine, payout_id)
    _require_agreement(payment_hash)


def _require_receipt(receipt: dict[str, Any], payment_hash: str, preimage: str) -> None:
    names = (
        "cycle_id",
        "status",
        "payout_total",
        "sats_fee",
        "platform_share",
        "community_share",
        "partner_reserved",
        "net_payout",
        "lightning_payment_hash",
        "preimage",
        "group_verified",
        "user_recurring",
    )
    assert {name: receipt[name] for name in names} == {
        "cycle_id": "main",
        "status": "completed",
        "payout_total": 100_000,
        "sats_fee": 500,
        "platform_share": 250,
        "community_share": 100,
        "partner_reserved": 150,
        "net_payout": 99_500,
        "lightning_payment_hash": payment_hash,
        "preimage": preimage,
        "group_verified": True,
        "user_recurring": False,
    }


def _require_books(tontine: Tontine, routing_msat: int) -> None:
    assert tontine.pot_msat("main") == 0
    assert owed_msat(AccountRole.PLATFORM_FEE_INCOME) == 250_000
    assert owed_msat(AccountRole.COMMUNITY_FUND) == 100_000
    assert owed_msat(AccountRole.PARTNER_RESERVE, "wave") == 150_000
    assert owed_msat(AccountRole.IN_TRANSIT) == 0
    assert balance(AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)) == routing_msat == 10_950
    assert balance(NODE) == POT_MSAT - NET_MSAT - routing_msat


def _require_no_second_payment(tontine: Tontine, payout_id: int) -> None:
    assert tontine.cycle("main")["status"] == "paid"
    with unchanged():
        refused = Problem.of(tontine.process("main"))
        assert run_due(slots=1).worked == 0
    assert refused == Problem(
        409, "cycle-already-paid", {"cycle_id": "main", "payout_id": payout_id, "payout_status": "completed"}
    )


def _require_agreement(payment_hash: str) -> None:
    assert [
        line for line in match_rail("lightning", now=clock.now()).mismatches if line.reference == payment_hash
    ] == []
    now = clock.now()
    seal_trail(now=now)
    seal_books(now=now)
    report = audit(now=now + timedelta(minutes=1))
    assert (report.breaches, report.waiting) == ((), ())


def test_pay_contribution_too_much_credits_the_rest_to_the_member(platform: APIClient, world: World) -> None:
    tontine = Tontine(platform, world)
    tontine.begin("over")
    generous, exact = (tontine.contribution("over", user_id) for user_id in tontine.members)
    tontine.pay(generous["payment_request"], more_msat=50_000_777)
    tontine.pay(exact["payment_request"])
    tontine.sweep()

    assert (tontine.cycle("over")["status"], tontine.pot_msat("over")) == ("ready", POT_MSAT)
    assert owed(credit_of(tontine.members[0])) == 777


def test_process_again_while_processing_answers_the_same_payout(platform: APIClient, world: World) -> None:
    tontine = Tontine(platform, world)
    tontine.payable("twice")
    first = tontine.process("twice")

    with unchanged():
        again = tontine.process("twice")

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    run_due(slots=1)
    assert tontine.cycle("twice")["status"] == "paid"
