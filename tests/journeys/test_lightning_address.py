"""A payout to a Lightning Address through the API, with the real rail, a simulated node and a wallet's LNURL service.

Two members give 50,000 sats each: a pot of 100,000, a fee of 1,000, and 99,000 for the winner.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from ledger.auditor import audit
from lightning.bolt11 import decode
from sunusav.core import approvals, clock
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.fakes.lnurl_service import LnurlService
from tests.journeys.tontine import ROOT, Problem, Tontine, successes
from tests.lightning.world import World
from tests.transfers.unchanged import unchanged
from transfers.destination_queries import mask_destination
from transfers.engine.runner import run_due
from transfers.matching import match_rail
from transfers.services.limit_waivers import propose_waiver

pytestmark = pytest.mark.django_db

NET_MSAT = 99_000_000


@pytest.fixture
def tontine(platform: APIClient, world: World) -> Tontine:
    return Tontine(platform, world)


@pytest.fixture
def service(world: World, settings: Settings) -> Iterator[LnurlService]:
    with LnurlService(world.invoice) as made:
        settings.ALLOWED_LOOPBACK_HOSTS = [made.authority]
        yield made


def set_destination(tontine: Tontine, cycle_id: str, kind: str, value: str) -> Any:
    body = {"rail": "lightning", "kind": kind, "value": value}
    return tontine.client.put(f"{ROOT}/cycles/{cycle_id}/destination", body)


@pytest.mark.parametrize("kind", ["lightning_address", "lnurl"])
def test_pay_winner_with_address_pays_the_net_once(
    tontine: Tontine, world: World, service: LnurlService, kind: str
) -> None:
    value = service.address if kind == "lightning_address" else service.link
    tontine.ready("awa")
    answer = set_destination(tontine, "awa", kind, value)
    assert answer.status_code == 200
    shown = mask_destination(kind, value)
    assert answer.json()["destination"] == {"rail": "lightning", "kind": kind, "value": shown}
    assert shown != value
    assert service.paths == []

    payout_id = tontine.paid("awa")

    (invoice,) = (decode(text) for text in service.invoices)
    payment_hash = invoice.payment_hash.hex()
    assert (invoice.amount_msat, successes(world, payment_hash)) == (NET_MSAT, 1)
    receipt = tontine.get(f"payouts/{payout_id}/receipt")
    assert (receipt["net_payout"], receipt["lightning_payment_hash"]) == (99_000, payment_hash)
    assert (tontine.cycle("awa")["status"], tontine.pot_msat("awa")) == ("paid", 0)
    assert [
        line for line in match_rail("lightning", now=clock.now()).mismatches if line.reference == payment_hash
    ] == []
    assert audit(now=clock.now()).breaches == ()

    assert tontine.process("awa").status_code == 409
    assert run_due(slots=1).worked == 0
    assert len(service.invoices) == 1


@pytest.mark.parametrize(
    ("kind", "value", "code", "facts"),
    [
        ("lightning_address", "awa", "lightning-address-unreadable", {"reason": "not-name-at-domain"}),
        ("lightning_address", "awa@mysql", "outside-address-forbidden", {"host": "mysql", "reason": "not-a-name"}),
        ("lightning_address", "awa@x.onion", "onion-address-unsupported", {"host": "x.onion"}),
        (
            "lnurl", "lnurlp://169.254.169.254/x", "outside-address-forbidden",
            {"host": "169.254.169.254", "reason": "not-a-name"},
        ),
        ("lnurl", "lnbcrt1x", "lnurl-unreadable", {"reason": "not-an-lnurl"}),
        (
            "phone", "+221771234567", "destination-kind-unsupported",
            {"rail": "lightning", "kind": "phone", "supported_kinds": ["bolt11", "lightning_address", "lnurl"]},
        ),
    ],
)  # fmt: skip
def test_set_invalid_destination_is_refused(
    tontine: Tontine, kind: str, value: str, code: str, facts: dict[str, Any]
) -> None:
    tontine.ready("awa")
    with unchanged():
        answer = set_destination(tontine, "awa", kind, value)
    assert Problem.of(answer) == Problem(422, code, facts)


def test_pay_unknown_address_fails_and_another_is_paid_after_two_people_waive_the_limit(
    tontine: Tontine, service: LnurlService
) -> None:
    tontine.ready("awa")
    assert (
        set_destination(tontine, "awa", "lightning_address", f"nobody@{service.authority}").status_code == 200
    )
    payout_id = tontine.process("awa").json()["payout_id"]
    run_due(slots=1)
    status = tontine.get("payouts/status/awa")
    assert (status["cycle_status"], status["payout_status"]) == ("failed", "failed")
    assert "Unknown user" in status["error_message"]
    assert (tontine.pot_msat("awa"), tontine.held_msat()) == (0, 100_000_000)

    assert set_destination(tontine, "awa", "lightning_address", service.address).status_code == 200
    tontine.post(f"payouts/{payout_id}/retry", {"reason": "the winner gave another address"}, 202)
    run_due(slots=1)
    status = tontine.get("payouts/status/awa")
    assert (status["payout_status"], tontine.held_msat()) == ("processing", 100_000_000)
    assert "another payee's" in status["error_message"]

    waive_limits(payout_id)
    run_due(slots=1)

    assert tontine.cycle("awa")["status"] == "paid"
    paid = [successes(tontine.world, decode(text).payment_hash.hex()) for text in service.invoices]
    assert paid == [0, 1], "the invoice that was fetched before the waiver was never sent"


def waive_limits(payout_id: int) -> None:
    """Have one person propose and another approve that a payout need not wait because of its new destination."""
    now = clock.now()
    proposal = propose_waiver(
        disbursement_id=payout_id, proposer=make_user(Role.FINANCE), reason="I called the winner", now=now
    )
    approvals.approve(
        proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=now
    )
