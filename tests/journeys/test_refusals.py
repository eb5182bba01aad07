"""Every refusal of a payout through the API: its exact status, code and facts; books and cycle stay unchanged."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from lightning.bolt11 import decode
from payouts.models import Cycle
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.models import Switch
from sunusav.core.privacy import seal
from sunusav.core.switches import pause_outgoing
from tests.journeys.tontine import Problem, Tontine, signed_invoice, successes
from tests.lightning.world import World
from tests.transfers.unchanged import unchanged
from transfers.engine.runner import run_due
from transfers.types import member_ref

pytestmark = pytest.mark.django_db

NET_MSAT = 99_000_000  # of 100,000 sats, less 1 %


@pytest.fixture
def tontine(platform: APIClient, world: World) -> Tontine:
    return Tontine(platform, world)


@contextmanager
def nothing_changed(tontine: Tontine, cycle_id: str) -> Iterator[None]:
    """Assert that the block changes no row, no pot and no answer about the cycle, and pays nothing."""
    before, pot = tontine.cycle(cycle_id), tontine.pot_msat(cycle_id)
    with unchanged():
        yield
        assert run_due(slots=1).worked == 0
    assert (tontine.cycle(cycle_id), tontine.pot_msat(cycle_id)) == (before, pot)


def process_refused(tontine: Tontine, cycle_id: str, **claims: bool) -> Problem:
    with nothing_changed(tontine, cycle_id):
        return Problem.of(tontine.process(cycle_id, **claims))


def set_destination_refused(tontine: Tontine, cycle_id: str, invoice: str) -> Problem:
    with nothing_changed(tontine, cycle_id):
        return Problem.of(tontine.set_destination(cycle_id, invoice))


def store_destination(cycle_id: str, invoice: str) -> None:
    """Store a destination that was accepted earlier and can no longer be paid."""
    now, winner = clock.now(), Cycle.objects.get(pk=cycle_id).winner_user_id
    changes: dict[str, Any] = {
        "destination_rail": "lightning", "destination_kind": "bolt11",
        "sealed_destination": seal(member_ref(winner), invoice),
        "destination_set_at": now,
    }  # fmt: skip
    Cycle.objects.filter(pk=cycle_id).update(**changes)


# the cycle


def test_process_unknown_cycle_is_refused(tontine: Tontine) -> None:
    with unchanged():
        problem = Problem.of(tontine.process("no-such-cycle"))
    assert problem == Problem(404, "cycle-missing", {"cycle_id": "no-such-cycle"})


def test_process_not_ready_names_what_is_missing(tontine: Tontine) -> None:
    tontine.begin("c")
    tontine.collect("c", without=1)

    assert process_refused(tontine, "c") == Problem(
        409,
        "cycle-not-ready",
        {"cycle_id": "c", "cycle_status": "collecting", "missing_contributions": 1},
    )


def test_process_already_paid_names_the_payout(tontine: Tontine) -> None:
    tontine.payable("c")
    payout_id = tontine.paid("c")

    assert process_refused(tontine, "c") == Problem(
        409, "cycle-already-paid", {"cycle_id": "c", "payout_id": payout_id, "payout_status": "completed"}
    )


def test_process_after_a_final_refusal_names_the_payout_and_why(tontine: Tontine, world: World) -> None:
    tontine.payable("c")
    world.script({"do": "fail", "reason": "INCORRECT_PAYMENT_DETAILS"})
    payout_id = tontine.process("c").json()["payout_id"]
    run_due(slots=1)

    assert process_refused(tontine, "c") == Problem(
        409,
        "payout-failed",
        {
            "cycle_id": "c",
            "payout_id": payout_id,
            "payout_status": "failed",
            "failure_code": "incorrect-payment-details",
        },
    )


def test_process_under_review_names_the_payout_and_why(tontine: Tontine, world: World) -> None:
    tontine.payable("c")
    world.script({"do": "bad_preimage"})
    payout_id = tontine.process("c").json()["payout_id"]
    run_due(slots=1)

    assert process_refused(tontine, "c") == Problem(
        409,
        "payout-needs-review",
        {
            "cycle_id": "c",
            "payout_id": payout_id,
            "payout_status": "needs_review",
            "failure_code": "answer-contradicts-records",
        },
    )


# the claims


@pytest.mark.parametrize(
    ("verified", "claim", "claimed"),
    [
        (False, "group_verified", True),
        (True, "group_verified", False),
        (False, "user_recurring", True),
    ],
)
def test_process_with_a_claim_that_our_records_contradict_names_both(
    platform: APIClient, world: World, verified: bool, claim: str, claimed: bool
) -> None:
    tontine = Tontine(platform, world, verified=verified)
    tontine.payable("c")

    assert process_refused(tontine, "c", **{claim: claimed}) == Problem(
        409,
        "claim-contradicts-records",
        {"cycle_id": "c", "claim": claim, "claimed": claimed, "recorded": not claimed},
    )


# the destination


def test_process_without_destination_is_refused(tontine: Tontine) -> None:
    tontine.ready("c")

    assert process_refused(tontine, "c") == Problem(409, "destination-missing", {"cycle_id": "c"})


@pytest.mark.parametrize("off_msat", [-1, 1, -NET_MSAT + 1, 1_000_000])
def test_process_with_an_invoice_for_another_amount_names_both(tontine: Tontine, off_msat: int) -> None:
    tontine.ready("c")
    assert tontine.set_destination("c", tontine.invoice(NET_MSAT + off_msat)).status_code == 200

    assert process_refused(tontine, "c") == Problem(
        422,
        "invoice-amount-differs",
        {"expected_msat": NET_MSAT, "invoice_msat": NET_MSAT + off_msat},
    )


def test_process_with_an_invoice_for_the_gross_is_refused(tontine: Tontine) -> None:
    tontine.ready("c")
    assert tontine.set_destination("c", tontine.invoice(100_000_000)).status_code == 200

    problem = process_refused(tontine, "c")

    assert problem.facts == {"expected_msat": NET_MSAT, "invoice_msat": 100_000_000}


@pytest.mark.parametrize("at", ["destination", "process"])
def test_invoice_that_has_expired_is_refused(tontine: Tontine, at: str) -> None:
    tontine.ready("c")
    made = clock.now() - timedelta(hours=2)
    invoice = signed_invoice(network="bcrt", amount_msat=NET_MSAT, now=made, expiry=3_600)

    problem = refused_at(at, tontine, invoice)

    expired_at = decode(invoice).expires_at.isoformat()
    assert problem == Problem(422, "invoice-expired", {"expired_at": expired_at})


@pytest.mark.parametrize("at", ["destination", "process"])
def test_invoice_that_expires_before_payment_could_end_is_refused(tontine: Tontine, at: str) -> None:
    tontine.ready("c")
    invoice = tontine.invoice(NET_MSAT, expiry=600)

    problem = refused_at(at, tontine, invoice)

    facts = {"expires_at": decode(invoice).expires_at.isoformat(), "needed_seconds": 900}
    assert problem == Problem(422, "invoice-expires-too-soon", facts)


@pytest.mark.parametrize("at", ["destination", "process"])
@pytest.mark.parametrize(("prefix", "network"), [("bc", "bc"), ("tb", "tb"), ("tbs", "tbs")])
def test_invoice_for_another_network_is_refused(tontine: Tontine, at: str, prefix: str, network: str) -> None:
    tontine.ready("c")
    invoice = signed_invoice(network=prefix, amount_msat=NET_MSAT, now=clock.now())

    problem = refused_at(at, tontine, invoice)

    facts = {"invoice_network": network, "our_network": "bcrt"}
    assert problem == Problem(422, "invoice-for-another-network", facts)


@pytest.mark.parametrize("at", ["destination", "process"])
def test_invoice_without_an_amount_is_refused(tontine: Tontine, at: str) -> None:
    tontine.ready("c")

    problem = refused_at(at, tontine, tontine.invoice(0))

    assert problem == Problem(422, "invoice-without-amount", {"expected_msat": NET_MSAT})


@pytest.mark.parametrize("at", ["destination", "process"])
def test_invoice_that_another_cycle_was_paid_by_is_refused(tontine: Tontine, world: World, at: str) -> None:
    invoice = tontine.payable("first")
    first = tontine.paid("first")
    tontine.ready("c")

    problem = refused_at(at, tontine, invoice)

    payment_hash = decode(invoice).payment_hash.hex()
    facts = {"reference": payment_hash, "disbursement_id": first}
    assert problem == Problem(409, "payment-reference-used", facts)
    assert successes(world, payment_hash) == 1


def test_invoice_of_two_cycles_ordered_at_once_pays_one_and_fails_the_other(
    tontine: Tontine, world: World
) -> None:
    """Neither is sent when the second is ordered: the one whose attempt is opened first takes the hash."""
    invoice = tontine.payable("first")
    tontine.ready("second")
    assert tontine.set_destination("second", invoice).status_code == 200
    assert [tontine.process(cycle_id).status_code for cycle_id in ("first", "second")] == [202, 202]

    run_due(slots=1)

    assert [tontine.cycle(cycle_id)["status"] for cycle_id in ("first", "second")] == ["paid", "failed"]
    assert (tontine.pot_msat("second"), tontine.held_msat()) == (0, 100_000_000)
    assert successes(world, decode(invoice).payment_hash.hex()) == 1
    assert process_refused(tontine, "second").facts["failure_code"] == "payment-reference-used"


@pytest.mark.parametrize("text", ["lnbcrt1", "hello", "lnbcrt990u1pjunk" + "q" * 200])
def test_text_that_is_no_invoice_is_refused(tontine: Tontine, text: str) -> None:
    tontine.ready("c")

    problem = set_destination_refused(tontine, "c", text)

    assert (problem.status, problem.code) == (422, "invoice-unreadable")


def test_invoice_of_our_own_node_fails_the_payout_and_pays_nothing(tontine: Tontine, world: World) -> None:
    """Only the node knows its own key, so this is found when a worker prepares the order."""
    tontine.ready("c")
    invoice = world.invoice(NET_MSAT, node="platform")
    assert tontine.set_destination("c", invoice).status_code == 200
    tontine.process("c")

    run_due(slots=1)

    assert tontine.cycle("c")["status"] == "failed"
    assert (tontine.pot_msat("c"), tontine.held_msat()) == (0, 100_000_000)
    assert process_refused(tontine, "c").facts["failure_code"] == "invoice-pays-ourselves"


# the amount


def test_process_that_would_leave_no_net_is_refused(platform: APIClient, world: World) -> None:
    tontine = Tontine(platform, world, members=1)
    tontine.ready("c", contribution_sats=1)
    assert tontine.set_destination("c", tontine.invoice(1_000)).status_code == 200

    assert process_refused(tontine, "c") == Problem(
        422, "net-not-positive", {"payout_sats": 1, "fee_sats": 1}
    )


# paused


def test_process_while_outgoing_is_paused_states_reason_and_moment(tontine: Tontine) -> None:
    tontine.payable("c")
    pause_outgoing(actor=Actor.system("tests"), reason="node looks odd", now=clock.now())
    changed_at = Switch.objects.get(name="outgoing").changed_at
    assert changed_at is not None

    problem = process_refused(tontine, "c")

    paused_at = problem.facts.pop("paused_at")
    assert problem == Problem(409, "outgoing-paused", {"reason": "node looks odd"})
    assert paused_at == changed_at.isoformat().replace("+00:00", "Z")


def refused_at(step: str, tontine: Tontine, invoice: str) -> Problem:
    """Have an invoice refused when it is set as the destination, or when the payout of a stored one is requested."""
    if step == "destination":
        return set_destination_refused(tontine, "c", invoice)
    store_destination("c", invoice)
    return process_refused(tontine, "c")
