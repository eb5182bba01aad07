"""Two people resolve a payment that vanished: the real rail against the simulated node."""

from __future__ import annotations

import pytest

from ledger.auditor import audit
from sunusav.core.approvals import approve
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.lightning.world import NET_MSAT, PLATFORM, WALLETS, World
from tests.support.opened import value_of
from tests.transfers.builders import BY, Snapshot, attempts, destination_row, replace_destination, row_of
from tests.transfers.lightning_payout import GROSS_MSAT, Payout, SharedWatch
from tests.transfers.rails import Watch
from transfers.enums import ResolutionVerdict
from transfers.errors import EvidenceTooOld, OrderStillPayable, ProviderContradicts
from transfers.models import ProviderAnswer
from transfers.resolution_errors import ResolutionNeedsProof
from transfers.services.disbursements import retry_disbursement
from transfers.services.resolutions import propose_resolution
from transfers.types import Destination

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_node")]

REVIEWED = Snapshot("needs_review", ["in_flight"], 0, GROSS_MSAT)
EXPIRY_SECONDS, GIVEN_UP_SECONDS = 1_800, 1_800 + 601


@pytest.fixture
def watch(world: World) -> Watch:
    return SharedWatch(world)


@pytest.fixture
def payout(world: World, watch: Watch) -> Payout:
    return Payout(world, watch, expiry=EXPIRY_SECONDS)


def decide(payout: Payout, verdict: ResolutionVerdict, **facts: object) -> None:
    """Let one person propose and another approve."""
    proposal = propose_resolution(
        disbursement_id=payout.id, verdict=verdict, explanation="her wallet was looked at",
        proposer=make_user(Role.FINANCE), now=payout.watch(), **facts,  # type: ignore[arg-type]
    )  # fmt: skip
    approver = make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=payout.watch())


def preimage_in_the_wallet(payout: Payout) -> str:
    """Return what the payee's wallet shows of its invoice."""
    [invoice] = [row for row in payout.world.control.invoices(WALLETS) if row["payment_hash"] == payout.hash]
    return str(invoice["preimage"])


def vanish(payout: Payout) -> None:
    """Let the node delete a payment that is under way."""
    payout.run_under({"do": "hold", "at": "in_flight"})
    payout.world.control.forget(PLATFORM, payout.hash)
    payout.run(15)
    assert payout.snapshot == REVIEWED


def test_vanished_and_proven_paid_is_completed_and_the_audit_is_clean(payout: Payout) -> None:
    vanish(payout)

    decide(payout, ResolutionVerdict.PAID, proof=preimage_in_the_wallet(payout), cost=1_000)

    assert payout.snapshot == Snapshot("completed", ["succeeded"], 0, 0)
    (attempt,) = attempts(payout.id)
    assert (attempt.proof, attempt.cost) == (preimage_in_the_wallet(payout), 1_000)


def test_payment_that_the_node_lost_before_the_query_is_proven_by_the_wallet(
    payout: Payout, world: World
) -> None:
    payout.run_under({"do": "hold", "at": "in_flight"})
    world.control.settle(PLATFORM, payout.hash)
    payout.wait_until_paid()
    world.control.forget(PLATFORM, payout.hash)
    payout.run(15)
    assert payout.snapshot == REVIEWED

    with pytest.raises(ResolutionNeedsProof):
        decide(payout, ResolutionVerdict.PAID, proof="ab" * 32, cost=1_000)
    decide(payout, ResolutionVerdict.PAID, proof=preimage_in_the_wallet(payout), cost=1_000)

    assert payout.snapshot == Snapshot("completed", ["succeeded"], 0, 0)


def test_vanished_and_expired_is_not_paid_and_paid_once_by_a_new_invoice(
    payout: Payout, world: World
) -> None:
    vanish(payout)
    payout.run(GIVEN_UP_SECONDS)
    decide(payout, ResolutionVerdict.NOT_PAID)
    assert payout.snapshot == Snapshot("failed", ["failed"], 0, GROSS_MSAT)

    new = Destination("lightning", "bolt11", world.invoice(NET_MSAT))
    replace_destination(disbursement_id=payout.id, destination=new, actor=BY, now=payout.watch())
    retry_disbursement(disbursement_id=payout.id, actor=BY, reason="new invoice", now=payout.watch())
    payout.run(30)

    assert payout.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    paid = [row for row in world.control.payments(PLATFORM) if row["payment_request"] == new.value]
    assert [(row["status"], row["successes"]) for row in paid] == [("SUCCEEDED", 1)]


@pytest.mark.parametrize(
    "step",
    [{"do": "bad_preimage"}, {"do": "misreport", "value_msat": NET_MSAT - 1}],
    ids=["preimage", "amount"],
)
def test_paid_in_contradiction_is_never_called_unpaid(
    payout: Payout, world: World, step: dict[str, object]
) -> None:
    payout.run_under(step)
    payout.run(GIVEN_UP_SECONDS)
    assert payout.snapshot == REVIEWED

    with pytest.raises(ProviderContradicts):
        decide(payout, ResolutionVerdict.NOT_PAID)

    assert payout.snapshot == REVIEWED


def test_unavailable_node_proves_nothing_but_the_wallet_does(payout: Payout, world: World) -> None:
    vanish(payout)
    world.control.stop_serving(PLATFORM)
    payout.run(GIVEN_UP_SECONDS)

    with pytest.raises(EvidenceTooOld):
        decide(payout, ResolutionVerdict.NOT_PAID)
    decide(payout, ResolutionVerdict.PAID, proof=preimage_in_the_wallet(payout), cost=0)

    assert payout.snapshot == Snapshot("completed", ["succeeded"], 0, 0)


def test_answers_of_a_real_node_stay_the_same_while_nothing_changes(payout: Payout) -> None:
    vanish(payout)
    for _ in range(3):
        payout.run(600)

    kinds = list(ProviderAnswer.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["in_flight", "not_seen"]
    assert row_of(payout.id).failure_code == "payment-vanished"


# A used hash: our node paid the invoice before it was given as a destination


@pytest.fixture
def used(world: World, watch: Watch) -> Payout:
    """A payout to an invoice that our node had paid a minute before, and what the first run made of it."""
    text = world.invoice(NET_MSAT)
    assert world.control.pay(PLATFORM, text)["status"] == "SUCCEEDED"
    watch.advance(60)
    payout = Payout(world, watch, invoice=text)
    payout.run()
    assert payout.snapshot == Snapshot("needs_review", ["in_flight"], 0, GROSS_MSAT)
    row = row_of(payout.id)
    assert (row.failure_code, row.failure_facts) == ("paid-before-ordered", {})
    return payout


def test_invoice_that_was_paid_before_it_was_ordered_is_called_unpaid_and_paid_once_by_a_new_one(
    used: Payout, world: World
) -> None:
    with pytest.raises(OrderStillPayable):
        decide(used, ResolutionVerdict.NOT_PAID)
    used.run(600)
    decide(used, ResolutionVerdict.NOT_PAID)
    assert used.snapshot == Snapshot("failed", ["failed"], 0, GROSS_MSAT)

    new = Destination("lightning", "bolt11", world.invoice(NET_MSAT))
    replace_destination(disbursement_id=used.id, destination=new, actor=BY, now=used.watch())
    retry_disbursement(disbursement_id=used.id, actor=BY, reason="new invoice", now=used.watch())
    used.run()

    assert used.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    paid = [row for row in world.control.payments(PLATFORM) if row["payment_request"] == new.value]
    assert [(row["status"], row["successes"]) for row in paid] == [("SUCCEEDED", 1)]


def test_invoice_that_was_paid_before_it_was_ordered_counts_when_two_people_say_so(used: Payout) -> None:
    """After a restored backup the payment may have been for this very payout."""
    decide(used, ResolutionVerdict.PAID, proof=preimage_in_the_wallet(used), cost=1_000)

    assert used.snapshot == Snapshot("completed", ["succeeded"], 0, 0)
    assert audit(now=used.watch()).breaches == ()


def test_invoice_that_is_paid_just_after_it_was_ordered_is_booked(world: World, watch: Watch) -> None:
    """A late send of the same order looks the same: it is ours."""
    payout = Payout(world, watch)
    payout.run_under({"do": "drop", "at": "arrived"})
    assert world.control.pay(PLATFORM, value_of(destination_row(payout.id)))["status"] == "SUCCEEDED"

    payout.run(15)

    payout.assert_paid_once()
