"""What a journey needs: payouts, people, the two nodes, worker processes, and the comparison at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from tests.crash import payouts
from tests.crash.payouts import Order
from tests.crash.wallets import WalletInvoice
from tests.live_lnd.engine.wallets import RealWallets
from tests.live_lnd.engine.workers import Worker, Workers
from tests.live_lnd.left_in_flight import are_left_in_flight
from tests.live_lnd.polling import eventually
from tests.live_lnd.regtest.network import Regtest
from tests.live_lnd.regtest.node import Payment
from tests.live_lnd.regtest.servers import wait_until
from tests.transfers.builders import replace_destination
from transfers.enums import AttemptState
from transfers.matching import match_rail
from transfers.models import Attempt, Disbursement
from transfers.rails import rail
from transfers.services.disbursements import cancel_disbursement, retry_disbursement

PEOPLE = Actor.system("people of the journey")
# A lease of 20 s, the 10 s after it, and a busy machine.
PATIENCE_SECONDS = 90.0
# A minute more: the wait before a payment is retried that LND failed because it was killed before it had a route.
FINISH_SECONDS = 180.0


@dataclass
class Engine:
    """The engine's database, two real nodes, and its worker processes."""

    network: Regtest
    wallets: RealWallets
    workers: Workers
    earlier: frozenset[str] = frozenset()
    orders: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.earlier = frozenset(payment["payment_hash"] for payment in self.wallets.record())

    # Payouts

    def invoice(self, memo: str) -> WalletInvoice:
        return payouts.new_invoice(self.wallets, memo)

    def payout(self, name: str, invoice: WalletInvoice | None = None) -> Order:
        """Order the payout of a new pot, to an invoice for its net."""
        self.orders.append(payouts.new_payout(name, invoice or self.invoice(name)))
        return self.orders[-1]

    def payouts(self, name: str, count: int) -> list[Order]:
        return [self.payout(f"{name}-{number}") for number in range(count)]

    def scheduled_payout(self, name: str, invoice: WalletInvoice, *, after_seconds: int) -> Order:
        now, subject = clock.now(), f"cycle:{name}"
        payouts.fund(subject, now=now)
        self.orders.append(
            payouts.order(
                subject, payouts.to_invoice(invoice), reference=invoice.payment_hash, now=now,
                scheduled_at=now + timedelta(seconds=after_seconds),
            )
        )  # fmt: skip
        return self.orders[-1]

    def order_again(self, cancelled: Order) -> Order:
        """Order the payment of the same subject anew, to another invoice."""
        invoice = self.invoice(cancelled["subject"])
        destination = payouts.to_invoice(invoice)
        self.orders.append(
            payouts.order(cancelled["subject"], destination, reference=invoice.payment_hash, now=clock.now())
        )
        return self.orders[-1]

    # People

    def cancel(self, order: Order) -> None:
        """Cancel as soon as that is allowed."""
        eventually(partial(_cancels, order), within_seconds=PATIENCE_SECONDS)

    def retry_with_another_invoice(self, order: Order) -> WalletInvoice:
        """Set another invoice of the same wallet on a payment that has failed, and retry it."""
        invoice = self.invoice(order["subject"])
        replace_destination(
            disbursement_id=order["id"],
            destination=payouts.to_invoice(invoice),
            actor=PEOPLE,
            now=clock.now(),
        )
        retry_disbursement(disbursement_id=order["id"], actor=PEOPLE, reason="journey", now=clock.now())
        return invoice

    # What has become of a payout

    def row(self, order: Order) -> Disbursement:
        return Disbursement.objects.get(pk=order["id"])

    def attempts(self, order: Order) -> list[Attempt]:
        return list(Attempt.objects.filter(disbursement_id=order["id"]).order_by("number"))

    def wait_for(self, state: str, orders: Iterable[Order]) -> None:
        ids = [order["id"] for order in orders]
        others = Disbursement.objects.filter(pk__in=ids).exclude(state=state)
        try:
            eventually(lambda: not others.exists(), within_seconds=PATIENCE_SECONDS)
        except AssertionError:
            record = [
                self.wallets.recorded(order["hash"]) for order in orders if self.row(order).state != state
            ]
            raise AssertionError(
                f"not {state}: {[_seen(row) for row in others]}; the node's: {record}"
            ) from None

    def finish(self, orders: Iterable[Order]) -> list[Order]:
        """Wait until all are completed, except those that the node left in flight when it was killed; return these.

        The engine must keep those open: tests.live_lnd.left_in_flight.
        """
        rows = Disbursement.objects.filter(pk__in=[order["id"] for order in orders])
        left = rows.exclude(state="completed")

        def hashes() -> list[str]:
            return list(left.values_list("orders__reference", flat=True))

        platform = self.network.platform
        eventually(
            lambda: are_left_in_flight(platform, hashes()), within_seconds=FINISH_SECONDS, every_seconds=1
        )
        for payment_hash in hashes():
            print(f"the node left in flight without end: {payment_hash}")
        return [order for order in orders if order["id"] in left.values_list("pk", flat=True)]

    def wait_until_refused(self, orders: Iterable[Order]) -> None:
        """Wait until the first attempt of each is closed as failed."""
        ids = [order["id"] for order in orders]
        others = Attempt.objects.filter(disbursement_id__in=ids, number=1).exclude(state=AttemptState.FAILED)
        eventually(lambda: not others.exists(), within_seconds=PATIENCE_SECONDS)

    def wait_until_held(self, invoices: Iterable[WalletInvoice]) -> None:
        """Wait until each payment has reached its payee, who holds it."""
        for invoice in invoices:
            eventually(partial(self._is_held, invoice), within_seconds=PATIENCE_SECONDS)

    def _is_held(self, invoice: WalletInvoice) -> bool:
        return self.wallets.state_of(invoice.payment_hash) == "ACCEPTED"

    def sender_of(self, order: Order, workers: Iterable[Worker]) -> Worker:
        """Return the worker that claimed it."""
        pid = int(self.row(order).claimed_by.split(":")[1])
        return next(worker for worker in workers if worker.pid == pid)

    # Nodes

    def stop_wallets(self) -> None:
        self.network.wallets.stop()
        wait_until("the channel is inactive", lambda: self.network.platform.active_channels() == 0)

    def start_wallets(self) -> None:
        self.network.wallets.start()
        self.network.wallets.wait_until_synced()
        self.network.restore_channels()

    def start_platform(self) -> None:
        self.network.platform.start()
        self.network.platform.wait_until_synced()
        self.network.restore_channels()

    # The end

    def table(self) -> str:
        record = self.new_record()
        paid = sum(one["status"] == "SUCCEEDED" for one in record)
        booked = Attempt.objects.filter(state=AttemptState.SUCCEEDED).count()
        return (
            f"payments ordered {len(self.orders)}, in the node's record {len(record)}, paid by it {paid}, "
            f"booked {booked}"
        )

    def new_record(self) -> list[Payment]:
        """Return the node's record without what it had before this journey."""
        return [one for one in self.wallets.record() if one["payment_hash"] not in self.earlier]

    def require_agreement(self) -> None:
        """Require that record and wallets have what is booked, to the msat, each once; audit and match the books."""
        print(self.table())
        paid = [one for one in self.new_record() if one["status"] == "SUCCEEDED"]
        booked = Attempt.objects.filter(state=AttemptState.SUCCEEDED).select_related("order")
        assert Counter(_recorded(one) for one in paid) == Counter(_booked(one) for one in booked)
        for attempt in booked:
            assert self.wallets.received_msat(attempt.order.reference) == attempt.order.amount
        now = clock.now()
        for subject in {order["subject"] for order in self.orders}:
            payouts.take_back(subject, now=now)
        assert payouts.breaches(now=now) == []
        # What earlier journeys paid is not in the books of this one.
        found = match_rail("lightning", now=now + timedelta(minutes=2)).mismatches
        assert [one for one in found if one.reference not in self.earlier] == []


def _recorded(payment: Payment) -> tuple[Any, ...]:
    return (
        payment["payment_hash"], payment["payment_preimage"], int(payment["value_msat"]), int(payment["fee_msat"]),
    )  # fmt: skip


def _booked(attempt: Attempt) -> tuple[Any, ...]:
    return attempt.order.reference, attempt.proof, attempt.order.amount, attempt.cost


def _seen(row: Disbursement) -> str:
    """Describe a payment that did not end as it should: its state, and the outcome of each attempt."""
    attempts = [(one.state, one.outcome, one.evidence) for one in row.attempts.order_by("number")]
    return f"{row.subject} {row.state} {row.failure_code} due {row.due_at}: {attempts}"


def _cancels(order: Order) -> bool:
    try:
        cancel_disbursement(disbursement_id=order["id"], actor=PEOPLE, reason="journey", now=clock.now())
    except DomainError:
        return False
    return True


def latest_send(attempt: Attempt) -> datetime:
    """Return the latest moment at which its last send may leave."""
    assert attempt.send_not_after is not None
    return attempt.send_not_after


def last_moment(attempt: Attempt) -> datetime:
    """Return when no send of it can be accepted any more."""
    return latest_send(attempt) + rail("lightning").late_by


def wait_until_time(moment: datetime) -> None:
    time.sleep(max((moment - clock.now()).total_seconds(), 0))
