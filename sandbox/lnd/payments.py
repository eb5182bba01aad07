"""A node's payments: LND's payment table, and the steps that take each payment to its end.

Source: lightningnetwork/lnd payments/db/payment_status.go, routing/control_tower.go, routing/payment_lifecycle.go.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Sequence

import grpc

from lightning.proto.lightning_pb2 import Failure, HTLCAttempt, Payment, PaymentFailureReason
from sandbox.lnd.chain import height_at
from sandbox.lnd.clock import NS_PER_SECOND
from sandbox.lnd.duplicates import STATUS_INITIATED_SINCE, duplicate_refusal
from sandbox.lnd.errors import ControlRefused, Refusal
from sandbox.lnd.faults import CREATED, IN_FLIGHT, LEFT_IN_FLIGHT, RESOLVED, ScriptedOutcome
from sandbox.lnd.feeds import Feed, Subscription
from sandbox.lnd.invoices import InvoiceBook
from sandbox.lnd.messages import payment_message
from sandbox.lnd.node_state import NodeState
from sandbox.lnd.payment_orders import PaymentOrder
from sandbox.lnd.rows import (
    CURRENT,
    DELETED,
    HASH_BYTES,
    OVERWRITTEN,
    HtlcRow,
    PaymentRow,
    TallyRow,
)

NO_ROUTE = PaymentFailureReason.FAILURE_REASON_NO_ROUTE
TIMEOUT = PaymentFailureReason.FAILURE_REASON_TIMEOUT
CANCELED = PaymentFailureReason.FAILURE_REASON_CANCELED
INSUFFICIENT_BALANCE = PaymentFailureReason.FAILURE_REASON_INSUFFICIENT_BALANCE
INCORRECT_DETAILS = PaymentFailureReason.FAILURE_REASON_INCORRECT_PAYMENT_DETAILS
# Reasons that LND finds before an HTLC leaves.
WITHOUT_HTLC = (NO_ROUTE, INSUFFICIENT_BALANCE)

BLOCK_PADDING = 3  # blocks that LND adds to the payee's own; routing/payment_session.go


class PaymentBook:
    """The current row of each hash, and all earlier rows. Take the shared lock in every method that changes a row."""

    def __init__(
        self,
        node: NodeState,
        rows: Iterable[PaymentRow],
        htlcs: Iterable[HtlcRow],
        tallies: Iterable[TallyRow],
        *,
        receiver_of: Callable[[PaymentRow], InvoiceBook | None],
    ) -> None:
        self.node = node
        self._receiver_of = receiver_of
        self.rows = {row.payment_index: row for row in sorted(rows, key=lambda row: row.payment_index)}
        self.current = {row.payment_hash: row for row in self.rows.values() if row.row_state == CURRENT}
        self.tallies = {tally.payment_hash: tally for tally in tallies}
        self.htlcs: dict[int, list[HtlcRow]] = {}
        for htlc in filter(self._is_kept, htlcs):
            self.htlcs.setdefault(htlc.payment_index, []).append(htlc)
        self.feed: Feed[Payment] = Feed()

    # Reading

    def lookup(self, payment_hash: bytes) -> PaymentRow:
        if len(payment_hash) != HASH_BYTES:
            raise Refusal(f"invalid hash length of {len(payment_hash)}, want 32")
        row = self.current.get(payment_hash)
        if row is None:
            raise Refusal("payment isn't initiated", grpc.StatusCode.NOT_FOUND)
        return row

    def message(self, row: PaymentRow) -> Payment:
        htlcs = self.htlcs.get(row.payment_index, ())
        options = self.node.options
        shown = options.use_status_initiated and options.minor >= STATUS_INITIATED_SINCE
        return payment_message(row, htlcs, show_initiated=shown, is_direct=options.direct)

    def follow(self, row: PaymentRow) -> tuple[Payment, Subscription[Payment]]:
        """Return the current state and a subscription to its changes. The caller holds the shared lock."""
        return self.message(row), self.feed.subscribe(row.payment_hash)

    def is_held_by_receiver(self, row: PaymentRow) -> bool:
        """Return whether the receiver holds this payment by a hold invoice."""
        receiver = self._receiver_of(row)
        invoice = receiver.rows.get(row.payment_hash) if receiver is not None else None
        return (
            invoice is not None
            and (invoice.payer, invoice.payer_payment_index) == (row.node, row.payment_index)
            and row.is_open
        )

    # The table

    def count_send(self, payment_hash: bytes) -> None:
        """Count a SendPaymentV2, accepted or not. The count is stored with the row, or by `save_count`."""
        with self.node.shared.lock:
            self._tally(payment_hash).sends += 1

    def save_count(self, payment_hash: bytes) -> None:
        with self.node.shared.lock:
            self.node.shared.store.save(self._tally(payment_hash))

    def create(self, order: PaymentOrder, scripted: ScriptedOutcome) -> PaymentRow:
        """Store a new row for the hash, replacing a failed one, or refuse as LND's table does."""
        with self.node.shared.lock:
            tally, old = self._tally(order.payment_hash), self.current.get(order.payment_hash)
            if old is not None and old.status != Payment.FAILED:
                self.node.shared.store.save(tally)
                raise duplicate_refusal(old.status, self.node.options)
            row = self._new_row(order, scripted)
            tally.accepted += 1
            changed: list[object] = [row, tally, self.node.row]
            if old is not None:
                old.row_state = OVERWRITTEN
                changed.append(old)
            self.node.shared.store.save(*changed)
            self.rows[row.payment_index] = self.current[row.payment_hash] = row
            self._maybe_delete(row, scripted, CREATED)
            return row

    def record_probe(self, order: PaymentOrder, reason: int) -> None:
        """Store the failed payment to a random hash that an EstimateRouteFee probe leaves."""
        with self.node.shared.lock:
            row = self._new_row(order, ScriptedOutcome())
            row.payment_hash, row.status, row.failure_reason = secrets.token_bytes(32), Payment.FAILED, reason
            self.node.shared.store.save(row, self.node.row)
            self.rows[row.payment_index] = self.current[row.payment_hash] = row

    def delete(self, row: PaymentRow) -> None:
        """Delete a row, as DeletePayment or a lost database would; the control API still lists it."""
        with self.node.shared.lock:
            row.row_state = DELETED
            self.current.pop(row.payment_hash, None)
            self.node.shared.store.save(row)

    # The steps of one payment

    def start(self, row: PaymentRow) -> None:
        """Execute a new payment: in its own thread when it is scripted, because it may wait."""
        if row.scripted:
            self._in_thread(row, self._run)
        else:
            self._run(row)

    def resume(self, row: PaymentRow) -> None:
        """Resume an open payment after a restart: no new attempt is made; an HTLC in flight may still settle."""
        scripted, htlc = ScriptedOutcome.of(row.scripted), self.open_htlc(row)
        if scripted.result == LEFT_IN_FLIGHT:
            return
        if htlc is None and not (scripted.result == "stuck" and scripted.even_after_restart):
            self.fail(row, NO_ROUTE)
        elif htlc is not None and not self.is_held_by_receiver(row):
            self._in_thread(row, self._resolve_later)

    def cancel(self, row: PaymentRow) -> None:
        """Stop making attempts; an HTLC in flight may still settle."""
        with self.node.shared.lock:
            if row.is_open and self.open_htlc(row) is None:
                self.fail(row, CANCELED)
            elif row.is_open:
                self._record_reason(row, CANCELED)

    def settle_held(self, payment_index: int, preimage: bytes, receiver_rows: Sequence[object]) -> None:
        self._settle(self.rows[payment_index], preimage, receiver_rows)

    def fail_held(self, payment_index: int) -> None:
        self.fail(self.rows[payment_index], INCORRECT_DETAILS)

    def force_settle(self, row: PaymentRow) -> None:
        """Let an open payment succeed now, whatever its script."""
        with self.node.shared.lock:
            htlc = self.open_htlc(row) or (self._send_htlc(row) if row.is_open else None)
            if htlc is not None and not self._is_in_channel(row):
                self._put_into_channel(row, htlc)
            if htlc is None:
                raise ControlRefused("the payment cannot be settled: it is not open, or there is no route")
            self._deliver(row)

    def fail(self, row: PaymentRow, reason: int) -> None:
        """End an open payment as failed and return the money in flight.

        When the payee has refused the HTLC, LND stores the reason before the failed attempt.
        """
        with self.node.shared.lock:
            if not row.is_open:
                return
            now_ns, htlc = self.node.shared.clock.now_ns(), self.open_htlc(row)
            if htlc is not None and reason == INCORRECT_DETAILS:
                self._record_reason(row, reason)
            row.status, row.resolved_ns = Payment.FAILED, now_ns
            row.failure_reason = row.failure_reason or reason
            if htlc is not None:
                if not self._is_in_channel(row):
                    self._hold_in_channel(htlc)
                self._return_funds(htlc, reason, now_ns)
            self.node.shared.store.save(row, self.node.row, *([htlc] if htlc else []))
            self._publish(row)
            self.htlcs[row.payment_index] = [
                kept for kept in self.htlcs.get(row.payment_index, ()) if self._is_kept(kept)
            ]

    def _run(self, row: PaymentRow) -> None:
        scripted = ScriptedOutcome.of(row.scripted)
        if scripted.result == "stuck":
            return
        if scripted.result == LEFT_IN_FLIGHT:
            self._send_htlc(row)
            return
        if scripted.result == "fail" and scripted.reason in WITHOUT_HTLC and not scripted.waits:
            self.fail(row, scripted.reason)
        elif self._send_htlc(row) is not None:
            self._resolve_later(row)

    def _resolve_later(self, row: PaymentRow) -> None:
        scripted = ScriptedOutcome.of(row.scripted)
        if scripted.waits:
            self._wait(row, scripted)
        with self.node.shared.lock:
            if self.node.shared.closing or not row.is_open:
                return
            self._maybe_delete(row, scripted, IN_FLIGHT)
            if scripted.result == "fail":
                self.fail(row, scripted.reason)
            else:
                self._deliver(row)
            self._maybe_delete(row, scripted, RESOLVED)

    def _wait(self, row: PaymentRow, scripted: ScriptedOutcome) -> None:
        """Keep the HTLC in flight until its scripted time or until the control API releases it.

        If the payment timeout passes first, record it.
        """
        shared, place = self.node.shared, (row.node, row.hash_hex, IN_FLIGHT)
        until_ns = None if scripted.held else scripted.resolve_at_ns

        def done() -> bool:
            return shared.closing or not row.is_open or shared.gates.is_released(place)

        shared.gates.mark_held(place)
        shared.gates.reach(place)
        if until_ns is None or row.timeout_at_ns < until_ns:
            shared.clock.sleep_until(row.timeout_at_ns, done)
            if not done():
                self._record_reason(row, TIMEOUT)
        shared.clock.sleep_until(until_ns, done)
        shared.gates.forget(place)

    def _send_htlc(self, row: PaymentRow) -> HtlcRow | None:
        """Send the HTLC, or fail the payment when there is no route or no balance."""
        with self.node.shared.lock:
            scripted, node = ScriptedOutcome.of(row.scripted), self.node.row
            fee_msat = self.node.fee_msat(row.value_msat) if scripted.fee_msat is None else scripted.fee_msat
            reason = self._failure_before_sending(row, fee_msat)
            if reason:
                self.fail(row, reason)
                return None
            now_ns, node.last_attempt_id = self.node.shared.clock.now_ns(), node.last_attempt_id + 1
            htlc = HtlcRow(
                node=node.name,
                attempt_id=node.last_attempt_id,
                payment_index=row.payment_index,
                amount_msat=row.value_msat,
                fee_msat=fee_msat,
                attempt_ns=now_ns,
                expiry_height=height_at(now_ns // NS_PER_SECOND) + row.final_cltv_delta + BLOCK_PADDING,
                htlc_index=node.last_attempt_id - 1,
            )
            if self._is_in_channel(row):
                self._hold_in_channel(htlc)
            row.status = Payment.IN_FLIGHT
            if scripted.waits:
                row.scripted = scripted.started(now_ns).stored()
            self.htlcs.setdefault(row.payment_index, []).append(htlc)
            self.node.shared.store.save(row, htlc, node)
            self._publish(row)
            return htlc

    def _failure_before_sending(self, row: PaymentRow, fee_msat: int) -> int:
        """Return the reason why no HTLC can leave, or 0."""
        receiver, node = self._receiver_of(row), self.node.row
        spendable_msat = node.local_msat - node.reserve_msat
        if row.value_msat > spendable_msat:
            return INSUFFICIENT_BALANCE
        if receiver is None or receiver.node.row.remote_msat < row.value_msat:
            return NO_ROUTE
        if fee_msat > row.fee_limit_msat or row.value_msat + fee_msat > spendable_msat:
            return NO_ROUTE
        return 0

    def _deliver(self, row: PaymentRow) -> None:
        """Deliver the HTLC to its receiver, which settles, holds or refuses it. The caller holds the shared lock."""
        receiver, htlc = self._receiver_of(row), self.open_htlc(row)
        invoice = receiver.invoice_paid_by(row) if receiver is not None else None
        if receiver is None or invoice is None or htlc is None:
            # LND does not resume route finding after a restart, so it fails with NO_ROUTE.
            began_before_restart = row.payment_index <= self.node.last_index_at_start
            self.fail(row, NO_ROUTE if began_before_restart else INCORRECT_DETAILS)
            return
        rows = receiver.accept(invoice, htlc)
        if invoice.preimage:
            self._settle(row, invoice.preimage, rows)
        else:
            self.node.shared.store.save(*rows)
        receiver.announce(invoice)

    def _settle(self, row: PaymentRow, preimage: bytes, receiver_rows: Sequence[object]) -> None:
        """Store both sides of a settlement in one transaction, so that a kill cannot duplicate or lose money."""
        with self.node.shared.lock:
            htlc, tally, scripted = (
                self.open_htlc(row),
                self._tally(row.payment_hash),
                ScriptedOutcome.of(row.scripted),
            )
            if htlc is None:
                self.node.shared.store.save(*receiver_rows)
                return
            spent_msat = htlc.amount_msat + htlc.fee_msat
            self.node.row.unsettled_out_msat -= spent_msat
            self.node.row.remote_msat += spent_msat
            shown = secrets.token_bytes(32) if scripted.bad_preimage else preimage
            row.status, row.preimage, row.fee_msat = Payment.SUCCEEDED, shown, htlc.fee_msat
            row.resolved_ns = htlc.resolve_ns = self.node.shared.clock.now_ns()
            htlc.status, htlc.preimage = HTLCAttempt.SUCCEEDED, shown
            tally.successes += 1
            self.node.shared.store.save(row, htlc, tally, self.node.row, *receiver_rows)
            self._publish(row)

    # Helpers

    def htlcs_in_channel(self) -> list[tuple[PaymentRow, HtlcRow]]:
        """Return what is pending in our channel. The caller holds the shared lock."""
        sent = ((row, self.open_htlc(row)) for row in self.current.values() if row.is_open)
        return [(row, htlc) for row, htlc in sent if htlc is not None and self._is_in_channel(row)]

    def _is_in_channel(self, row: PaymentRow) -> bool:
        """Return whether an attempt of this payment reaches our channel."""
        return ScriptedOutcome.of(row.scripted).result != LEFT_IN_FLIGHT

    def _put_into_channel(self, row: PaymentRow, htlc: HtlcRow) -> None:
        row.scripted = {}
        self._hold_in_channel(htlc)
        self.node.shared.store.save(row, self.node.row)

    def _hold_in_channel(self, htlc: HtlcRow) -> None:
        self.node.row.local_msat -= htlc.amount_msat + htlc.fee_msat
        self.node.row.unsettled_out_msat += htlc.amount_msat + htlc.fee_msat

    def open_htlc(self, row: PaymentRow) -> HtlcRow | None:
        htlcs = self.htlcs.get(row.payment_index, ())
        return next((htlc for htlc in htlcs if htlc.status == HTLCAttempt.IN_FLIGHT), None)

    def _return_funds(self, htlc: HtlcRow, reason: int, now_ns: int) -> None:
        self.node.row.local_msat += htlc.amount_msat + htlc.fee_msat
        self.node.row.unsettled_out_msat -= htlc.amount_msat + htlc.fee_msat
        receiver_refused = reason == INCORRECT_DETAILS
        htlc.status, htlc.resolve_ns = HTLCAttempt.FAILED, now_ns
        htlc.failure_code = (
            Failure.INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS
            if receiver_refused
            else Failure.TEMPORARY_CHANNEL_FAILURE
        )

    def _is_kept(self, htlc: HtlcRow) -> bool:
        """Return whether LND still lists this attempt after its payment has ended."""
        return htlc.status != HTLCAttempt.FAILED or self.node.options.keep_failed_payment_attempts

    def _record_reason(self, row: PaymentRow, reason: int) -> None:
        """Record why no more attempts are made while an HTLC is in flight: IN_FLIGHT with a reason."""
        with self.node.shared.lock:
            if row.is_open and not row.failure_reason:
                row.failure_reason = reason
                self.node.shared.store.save(row)
                self._publish(row)

    def _maybe_delete(self, row: PaymentRow, scripted: ScriptedOutcome, phase: str) -> None:
        if scripted.deleted_at == phase:
            self.delete(row)

    def _new_row(self, order: PaymentOrder, scripted: ScriptedOutcome) -> PaymentRow:
        node, now_ns = self.node.row, self.node.shared.clock.now_ns()
        node.last_payment_index += 1
        return order.row(scripted, node=node.name, payment_index=node.last_payment_index, now_ns=now_ns)

    def _tally(self, payment_hash: bytes) -> TallyRow:
        return self.tallies.setdefault(payment_hash, TallyRow(self.node.row.name, payment_hash))

    def _publish(self, row: PaymentRow) -> None:
        self.feed.publish(row.payment_hash, lambda: self.message(row))

    def _in_thread(self, row: PaymentRow, work: Callable[[PaymentRow], None]) -> None:
        threading.Thread(target=work, args=(row,), name=f"payment-{row.hash_hex[:8]}", daemon=True).start()
