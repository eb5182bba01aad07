"""Payouts to a Lightning Address: the real rail and engine, a simulated node, and a wallet's service that may be wrong.

Verified by the node's own record: however often an invoice is fetched, at most one is ever paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from pytest_django import Settings

from ledger.auditor import audit
from lightning.bolt11 import decode
from sandbox.lnd.control import Record
from tests.fakes.lnurl_service import LnurlService
from tests.lightning.world import NET_MSAT, PLATFORM, World
from tests.support.lightning import settings_of
from tests.support.opened import payload_of
from tests.transfers.builders import (
    BY,
    Snapshot,
    attempts,
    ordered,
    replace_destination,
    row_of,
    run,
    snapshot,
)
from tests.transfers.lightning_payout import GROSS_MSAT, GROSS_SATS, SharedWatch
from tests.transfers.rails import QuickLightningRail, Watch
from transfers.models import PaymentOrder
from transfers.rails import rail
from transfers.services.disbursements import retry_disbursement
from transfers.types import Destination, Instruction, Order

pytestmark = pytest.mark.django_db

INBOX = Snapshot("processing", [], 0, GROSS_MSAT)
NO_ROUTE: Record = {"do": "fail", "reason": "NO_ROUTE"}
WRONG: Record = {"do": "fail", "reason": "INCORRECT_PAYMENT_DETAILS"}


class AbruptRail(QuickLightningRail):
    """Raises once between fetching an invoice and returning it, as if the worker was killed."""

    failures = 0

    def prepare(self, instruction: Instruction, *, now: object) -> Order:
        order = super().prepare(instruction, now=now)  # type: ignore[arg-type]
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the worker is killed")
        return order


@pytest.fixture
def service(world: World, settings: Settings) -> Iterator[LnurlService]:
    with LnurlService(world.invoice) as made:
        settings.ALLOWED_LOOPBACK_HOSTS = [made.authority]
        yield made


@pytest.fixture(autouse=True)
def our_node(plugins: None, world: World, settings: Settings) -> None:
    settings.RAILS = {"lightning": "tests.transfers.test_lightning_addresses.AbruptRail"}
    for name, value in settings_of(world.process).items():
        setattr(settings, name, value)


@pytest.fixture
def watch(world: World) -> Watch:
    return SharedWatch(world)


class AddressPayout:
    """One payout to the winner's address, with the node's own record of its invoices."""

    def __init__(self, world: World, service: LnurlService, watch: Watch) -> None:
        self.world, self.service, self.watch = world, service, watch
        destination = Destination("lightning", "lightning_address", service.address)
        self.id = ordered(destination=destination, payout_sats=GROSS_SATS, at=watch())

    def run(self, after: float = 0, *steps: Record) -> None:
        if steps:
            self.world.script(*steps)
        self.watch.advance(after)
        run(self.watch)

    @property
    def snapshot(self) -> Snapshot:
        return snapshot(self.id)

    @property
    def due_in(self) -> float | None:
        return self._seconds_to(row_of(self.id).due_at)

    @property
    def sends_in(self) -> float | None:
        return self._seconds_to(row_of(self.id).not_before)

    def _seconds_to(self, moment: datetime | None) -> float | None:
        return None if moment is None else (moment - self.watch()).total_seconds()

    @property
    def failure(self) -> str:
        return row_of(self.id).failure_code

    def hashes(self) -> list[str]:
        """Return the payment hashes of the invoices the service made, oldest first."""
        return [decode(text).payment_hash.hex() for text in self.service.invoices]

    def paid(self) -> list[int]:
        """Return what the node paid for each invoice, in msat."""
        rows = [self.world.record(payment_hash) for payment_hash in self.hashes()]
        return [sum(row["value_msat"] for row in some if row["status"] == "SUCCEEDED") for some in rows]

    def sent(self) -> list[int]:
        """Return how many payments the node knows for each invoice."""
        return [len(self.world.record(payment_hash)) for payment_hash in self.hashes()]


@pytest.fixture
def payout(world: World, service: LnurlService, watch: Watch) -> AddressPayout:
    return AddressPayout(world, service, watch)


def test_run_pays_the_net_once_with_one_invoice(
    payout: AddressPayout, service: LnurlService, watch: Watch
) -> None:
    payout.run()

    assert payout.snapshot == Snapshot("completed", ["succeeded"], 0, 0)
    assert payout.paid() == [NET_MSAT]
    assert service.paths == ["/.well-known/lnurlp/awa", "/pay"]
    order = PaymentOrder.objects.get()
    assert (order.reference, payload_of(order)) == (payout.hashes()[0], service.invoices[0])
    assert audit(now=watch()).breaches == ()


def test_retry_after_no_route_uses_the_same_invoice(payout: AddressPayout) -> None:
    payout.run(0, NO_ROUTE)
    assert (payout.snapshot.state, payout.due_in, payout.sends_in) == ("processing", 30, 60)

    payout.run(30)
    assert (payout.snapshot.attempts, payout.due_in) == (["failed"], 30)
    payout.run(30)

    assert payout.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert (payout.paid(), payout.sent()) == ([NET_MSAT], [2])
    assert PaymentOrder.objects.count() == 1


def test_retry_after_its_invoice_ran_out_uses_another(
    payout: AddressPayout, service: LnurlService, world: World
) -> None:
    service.make_invoice = lambda msat: world.invoice(msat, expiry=150)
    payout.run(0, NO_ROUTE)
    service.make_invoice = world.invoice
    payout.run(60)
    # Another invoice waits until no worker can still be sending the last one: 20 s lease and 2 s of sending.
    assert payout.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)

    assert payout.paid() == [0, NET_MSAT]
    assert payout.sent() == [1, 1]


def test_spent_invoice_is_replaced_once(payout: AddressPayout) -> None:
    payout.run(0, WRONG)
    assert (payout.snapshot, payout.sends_in) == (Snapshot("processing", ["failed"], 0, GROSS_MSAT), 120)
    assert attempts(payout.id)[0].failure_class == "renew"
    payout.run(60)
    assert len(payout.hashes()) == 1

    payout.run(60)

    assert payout.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert (payout.paid(), payout.sent()) == ([0, NET_MSAT], [1, 1])


def test_second_invoice_that_is_spent_fails_for_good(payout: AddressPayout) -> None:
    payout.run(0, WRONG)
    payout.run(120, WRONG)

    assert payout.snapshot == Snapshot("failed", ["failed", "failed"], 0, GROSS_MSAT)
    assert (payout.failure, payout.due_in) == ("incorrect-payment-details", 30)
    payout.run(3_600)
    assert (payout.paid(), payout.sent()) == ([0, 0], [1, 1])


def test_replaced_invoice_that_was_paid_after_all_ends_the_payout(
    payout: AddressPayout, world: World
) -> None:
    """A late send revives the refused hash before its successor is fetched: there is no successor."""
    payout.run(0, WRONG)
    assert world.control.pay(PLATFORM, payout.service.invoices[0])["status"] == "SUCCEEDED"

    payout.run(120)

    assert payout.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert (payout.paid(), len(payout.service.invoices)) == ([NET_MSAT], 1)


def test_retry_by_a_person_fetches_another_invoice(payout: AddressPayout, watch: Watch) -> None:
    payout.run(0, WRONG)
    payout.run(120, WRONG)
    watch.advance(120)
    retry_disbursement(disbursement_id=payout.id, actor=BY, reason="asked the winner", now=watch())

    payout.run()

    assert payout.snapshot == Snapshot("completed", ["failed", "failed", "succeeded"], 0, 0)
    assert payout.paid() == [0, 0, NET_MSAT]


def test_other_destination_does_not_get_the_last_invoice(
    payout: AddressPayout, world: World, watch: Watch
) -> None:
    payout.run(0, NO_ROUTE)
    mine = world.invoice()
    destination = Destination("lightning", "bolt11", mine)
    replace_destination(disbursement_id=payout.id, destination=destination, actor=BY, now=watch())

    payout.run(60)

    assert payout.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert payout.paid() == [0]
    assert len(world.record(decode(mine).payment_hash.hex())) == 1


def test_kill_between_fetching_and_storing_sends_nothing(payout: AddressPayout) -> None:
    abrupt = rail("lightning")
    assert isinstance(abrupt, AbruptRail)
    abrupt.failures = 1
    payout.run()
    assert payout.snapshot == INBOX
    assert (payout.sent(), PaymentOrder.objects.count()) == ([0], 0)

    payout.run(21)

    assert payout.snapshot == Snapshot("completed", ["succeeded"], 0, 0)
    assert (payout.paid(), payout.sent()) == ([0, NET_MSAT], [0, 1])


# A service that is unavailable


def test_unavailable_service_is_asked_again_and_delays_no_other_payout(
    payout: AddressPayout, service: LnurlService, world: World, watch: Watch
) -> None:
    other = ordered(
        "other",
        destination=Destination("lightning", "bolt11", world.invoice()),
        payout_sats=GROSS_SATS,
        at=watch(),
    )
    service.offers = [b"<html>503</html>"] * 2
    for wait in (60, 120):
        payout.run()
        assert (payout.snapshot.state, payout.due_in) == ("processing", wait)
        assert payout.failure == "destination-unavailable"
        watch.advance(wait)
    assert row_of(other).state == "completed"

    payout.run()

    assert row_of(payout.id).state == "completed"
    assert (payout.failure, row_of(payout.id).failure_facts) == ("", {})
    assert payout.paid() == [NET_MSAT]


def test_service_unavailable_for_long_needs_a_person(
    payout: AddressPayout, service: LnurlService, watch: Watch
) -> None:
    service.answers = [{"status": "ERROR", "reason": "<b>wallet</b> offline"}] * 4
    for after in (0, 60, 120, 240):
        payout.run(after)

    assert payout.snapshot == Snapshot("needs_review", [], 0, GROSS_MSAT)
    row = row_of(payout.id)
    assert (row.due_at, row.failure_code) == (None, "destination-unavailable")
    assert "<b>wallet</b> offline" in row.failure_facts["detail"]
    retry_disbursement(disbursement_id=payout.id, actor=BY, reason="it is back", now=watch())
    payout.run()
    assert payout.snapshot == Snapshot("completed", ["succeeded"], 0, 0)


# A service that answers wrongly


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        ({"status": "ERROR", "reason": "Unknown user"}, "lnurl-service-refuses"),
        ({"tag": "withdrawRequest"}, "lnurl-answer-malformed"),
        ({"minSendable": 2_000, "maxSendable": 1_000}, "lnurl-answer-malformed"),
        ({"minSendable": NET_MSAT + 1}, "amount-outside-service-range"),
        ({"maxSendable": NET_MSAT - 1}, "amount-outside-service-range"),
        ({"callback": "http://127.0.0.1:1/pay"}, "outside-address-forbidden"),
        ({"callback": "http://abcdefghijklmnop.onion/pay"}, "onion-address-unsupported"),
    ],
)
def test_service_that_lies_fails_the_payout_and_nothing_is_sent(
    payout: AddressPayout, service: LnurlService, offer: Record, code: str
) -> None:
    service.offer = offer
    payout.run()

    assert payout.snapshot == Snapshot("failed", [], 0, GROSS_MSAT)
    assert (payout.failure, payout.sent()) == (code, [])


def test_invoice_over_another_amount_fails_the_payout_and_nothing_is_sent(
    payout: AddressPayout, service: LnurlService, world: World
) -> None:
    service.make_invoice = lambda msat: world.invoice(msat + 1_000)
    payout.run()

    assert payout.snapshot == Snapshot("failed", [], 0, GROSS_MSAT)
    assert (payout.failure, payout.sent()) == ("invoice-amount-differs", [0])


def test_invoice_of_another_payout_fails_the_payout_and_nothing_is_sent_twice(
    payout: AddressPayout, service: LnurlService, watch: Watch
) -> None:
    payout.run()
    first = service.invoices[0]
    service.make_invoice = lambda _: first
    destination = Destination("lightning", "lightning_address", service.address)
    second = ordered("fatou", destination=destination, payout_sats=GROSS_SATS, at=watch())

    payout.run()

    assert (row_of(second).state, row_of(second).failure_code) == ("failed", "payment-reference-used")
    assert payout.sent() == [1, 1]
