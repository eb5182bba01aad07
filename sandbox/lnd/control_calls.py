"""The control calls, with which tests, benchmarks and the demo control the simulated world."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from lightning.proto.lightning_pb2 import Invoice, Payment, PaymentFailureReason
from lightning.proto.router_pb2 import SendPaymentRequest
from sandbox.lnd import macaroons
from sandbox.lnd.clock import NS_PER_SECOND, ClockReading
from sandbox.lnd.control_server import Answer, Routes
from sandbox.lnd.errors import ControlRefused
from sandbox.lnd.faults import ANY, ENDLESS, PHASES, RECEIVED, ScriptedOutcome, Step, reason_number
from sandbox.lnd.feeds import Subscription
from sandbox.lnd.invoices import Draft
from sandbox.lnd.messages import MSAT_PER_SAT
from sandbox.lnd.requests import order_of
from sandbox.lnd.rows import InvoiceRow, PaymentRow, TallyRow
from sandbox.lnd.serving import NodeServer
from sandbox.lnd.world import Node, World

NO_FEE_LIMIT_MSAT = 2**62
POLL_SECONDS = 0.005
TERMINAL = (Payment.SUCCEEDED, Payment.FAILED)
DONE: Answer = {"done": True}


class ControlCalls:
    def __init__(self, world: World, servers: Mapping[str, NodeServer]) -> None:
        self._world = world
        self._servers = servers

    def routes(self) -> Routes:
        return {
            ("GET", "/payments"): self.payments,
            ("GET", "/invoices"): self.invoices,
            ("GET", "/nodes"): self.nodes,
            ("GET", "/wait"): self.wait,
            ("POST", "/script"): self.script,
            ("POST", "/calls"): self.calls,
            ("POST", "/scripts/clear"): self.clear_scripts,
            ("POST", "/release"): self.release,
            ("POST", "/invoice"): self.invoice,
            ("POST", "/pay"): self.pay,
            ("POST", "/settle"): self.settle,
            ("POST", "/fail"): self.fail,
            ("POST", "/forget"): self.forget,
            ("POST", "/clock"): self.clock,
            ("POST", "/options"): self.options,
            ("POST", "/money"): self.money,
            ("POST", "/serving"): self.serving,
            ("POST", "/goaway"): self.goaway,
            ("POST", "/certificate"): self.certificate,
            ("POST", "/macaroon"): self.macaroon,
        }

    # Stored rows

    def payments(self, node: str) -> Answer:
        """List every payment row, deleted ones included, oldest first, with the counts of its hash."""
        with self._world.lock:
            book = self._world.node(node).payments
            rows = [_payment_record(row, book.tallies.get(row.payment_hash)) for row in book.rows.values()]
        return {"payments": rows}

    def invoices(self, node: str) -> Answer:
        with self._world.lock:
            rows = [_invoice_record(row) for row in self._world.node(node).invoices.by_add_index.values()]
        return {"invoices": rows}

    def nodes(self) -> Answer:
        with self._world.lock:
            return {"nodes": {name: self._node_record(node) for name, node in self._world.nodes.items()}}

    # Scripted faults

    def script(self, node: str, steps: list[Step], payment_hash: str = ANY, count: int = ENDLESS) -> Answer:
        """Apply these steps to the next `count` payments of this hash (`*`: any); a count of -1 has no limit."""
        self._world.node(node)
        with self._world.lock:
            row = self._world.scripts.add(node=node, payment_hash=payment_hash, steps=steps, count=count)
        return {"script": row.id}

    def calls(self, node: str, method: str, at: str, step: Step, count: int = 1) -> Answer:
        """Apply a fault to the next calls of a method (AddInvoice, ...): received, or before or after execution."""
        self._world.node(node).call_faults.add(method, at, step, count)
        return DONE

    def clear_scripts(self, node: str) -> Answer:
        self._world.node(node).call_faults.clear()
        with self._world.lock:
            self._world.scripts.clear(node)
        return DONE

    def wait(
        self, node: str, point: str, payment_hash: str = ANY, timeout: str = "10", times: str = "1"
    ) -> Answer:
        """Wait until scripted payments have reached a phase `times` times; return how often they have.

        For calls at `received`, `payment_hash` is the name of the method.
        """
        if point not in (*PHASES, RECEIVED):
            raise ControlRefused(f"unknown point {point}")
        gates = self._world.gates
        ends = time.monotonic() + float(timeout)  # real time: the simulated clock may be frozen
        while gates.was_reached(node, payment_hash, point) < int(times) and time.monotonic() < ends:
            time.sleep(POLL_SECONDS)
        return {"reached": gates.was_reached(node, payment_hash, point)}

    def release(self, node: str, payment_hash: str = ANY, point: str | None = None) -> Answer:
        return {"released": self._world.gates.release(node, payment_hash, point)}

    # Wallets

    def invoice(self, node: str, amount_msat: int, memo: str = "", expiry: int = 0) -> Answer:
        row = self._world.node(node).invoices.add(
            Draft(value_msat=amount_msat, memo=memo, expiry_seconds=expiry)
        )
        return _invoice_record(row)

    def pay(
        self,
        node: str,
        payment_request: str,
        amount_msat: int = 0,
        force_amount_msat: int = 0,
        timeout: float = 30,
    ) -> Answer:
        """Pay from this node as a wallet does, and wait for the end. `force_amount_msat` over- or underpays."""
        payer = self._world.node(node)
        request = SendPaymentRequest(
            payment_request=payment_request, amt_msat=amount_msat, fee_limit_msat=NO_FEE_LIMIT_MSAT
        )
        order = order_of(request, payer)
        if force_amount_msat:
            order = replace(order, value_msat=force_amount_msat)
        with self._world.lock:
            row = payer.payments.create(order, ScriptedOutcome())
            _, changes = payer.payments.follow(row)
        payer.payments.start(row)
        _wait_until_closed(row, changes, timeout)
        return _payment_record(row, payer.payments.tallies.get(row.payment_hash))

    # The simulated world

    def settle(self, node: str, payment_hash: str) -> Answer:
        """Let an open payment succeed now, whatever its script."""
        payer, row = self._payment(node, payment_hash)
        payer.payments.force_settle(row)
        self._world.clock.wake_sleepers()
        return _payment_record(row, payer.payments.tallies.get(row.payment_hash))

    def fail(self, node: str, payment_hash: str, reason: str = "ERROR") -> Answer:
        payer, row = self._payment(node, payment_hash)
        if payer.payments.is_held_by_receiver(row):
            raise ControlRefused("the receiver holds this payment: cancel or settle its invoice instead")
        payer.payments.fail(row, reason_number(reason))
        self._world.clock.wake_sleepers()
        return _payment_record(row, payer.payments.tallies.get(row.payment_hash))

    def forget(self, node: str, payment_hash: str = ANY) -> Answer:
        """Delete the row of a payment, or all rows, as a lost database would."""
        book = self._world.node(node).payments
        chosen = (
            list(book.current.values()) if payment_hash == ANY else [self._payment(node, payment_hash)[1]]
        )
        for row in chosen:
            book.delete(row)
        return {"forgotten": len(chosen)}

    def clock(
        self,
        offset_seconds: int | None = None,
        advance_seconds: int | None = None,
        frozen_at: int | None = None,
    ) -> Answer:
        """Shift, advance or freeze (Unix seconds) the clock; without arguments reset it to the machine's."""
        clock, reading = self._world.clock, ClockReading()
        if advance_seconds is not None:
            reading = clock.advance(advance_seconds)
        elif frozen_at is not None:
            reading = ClockReading(frozen_at_ns=frozen_at * NS_PER_SECOND)
        elif offset_seconds is not None:
            reading = ClockReading(offset_ns=offset_seconds * NS_PER_SECOND)
        self._world.set_clock(reading)
        return {"now": clock.now()}

    def options(self, node: str, **changes: Any) -> Answer:
        chosen = self._world.node(node)
        chosen.change_options(changes)
        return asdict(chosen.options)

    def money(self, node: str, **changes: int) -> Answer:
        """Change local_msat, remote_msat, reserve_msat, fee_base_msat, fee_ppm of a node."""
        allowed = {"local_msat", "remote_msat", "reserve_msat", "fee_base_msat", "fee_ppm"}
        if set(changes) - allowed:
            raise ControlRefused(f"only these can be changed: {', '.join(sorted(allowed))}")
        chosen = self._world.node(node)
        with self._world.lock:
            for name, value in changes.items():
                setattr(chosen.row, name, int(value))
            self._world.store.save(chosen.row)
            return self._node_record(chosen)

    def serving(self, node: str, *, serving: bool, goodbye: bool = False) -> Answer:
        """Stop serving (at once, or after ending the streams with a status), or serve again on the same port."""
        self._world.node(node)
        server = self._servers[node]
        if serving:
            server.start()
        else:
            server.stop(goodbye=goodbye)
        return {"serving": server.is_serving}

    def goaway(self, node: str) -> Answer:
        """Send GOAWAY (HTTP/2) on every connection and accept new ones; open streams continue on the old ones."""
        self._world.node(node)
        self._servers[node].go_away()
        return DONE

    def certificate(self, node: str) -> Answer:
        self._world.node(node)
        self._servers[node].renew_certificate()
        return DONE

    def macaroon(self, node: str, permissions: list[list[str]], time_before: int | None = None) -> Answer:
        """Bake a macaroon of [entity, action] pairs, optionally with an expiry in Unix seconds; return its hex."""
        granted = [(entity, action) for entity, action in permissions]
        baked = macaroons.mint(self._world.node(node).row.macaroon_root_key, granted)
        if time_before is not None:
            baked = macaroons.with_caveat(baked, f"time-before {_rfc3339(time_before)}")
        return {"macaroon": macaroons.serialized(baked).hex()}

    def _payment(self, node: str, payment_hash: str) -> tuple[Node, PaymentRow]:
        payer = self._world.node(node)
        row = payer.payments.current.get(bytes.fromhex(payment_hash))
        if row is None:
            raise ControlRefused(f"{node} has no payment {payment_hash}")
        return payer, row

    def _node_record(self, node: Node) -> dict[str, Any]:
        row = node.row
        return {
            "pubkey": node.pubkey.hex(),
            "serving": self._servers[row.name].is_serving,
            "port": self._servers[row.name].port,
            "local_msat": row.local_msat,
            "remote_msat": row.remote_msat,
            "reserve_msat": row.reserve_msat,
            "unsettled_out_msat": row.unsettled_out_msat,
            "unsettled_in_msat": row.unsettled_in_msat,
            "fee_base_msat": row.fee_base_msat,
            "fee_ppm": row.fee_ppm,
            "options": asdict(node.options),
        }


def _wait_until_closed(row: PaymentRow, changes: Subscription[Payment], timeout_seconds: float) -> None:
    if row.is_open:
        timer = threading.Timer(timeout_seconds, changes.close)
        timer.start()
        for message in changes:
            if message.status in TERMINAL:
                break
        timer.cancel()
    changes.close()


def _rfc3339(unix_seconds: int) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _payment_record(row: PaymentRow, tally: TallyRow | None) -> dict[str, Any]:
    return {
        "payment_hash": row.hash_hex,
        "payment_index": row.payment_index,
        "row_state": row.row_state,
        "status": Payment.PaymentStatus.Name(row.status),
        "failure_reason": PaymentFailureReason.Name(row.failure_reason).removeprefix("FAILURE_REASON_"),
        "value_msat": row.value_msat,
        "fee_msat": row.fee_msat,
        "payee": row.payee.hex(),
        "payment_request": row.payment_request,
        "preimage": row.preimage.hex(),
        "created_at": row.created_ns // NS_PER_SECOND,
        "sends": tally.sends if tally else 0,
        "accepted": tally.accepted if tally else 0,
        "successes": tally.successes if tally else 0,
    }


def _invoice_record(row: InvoiceRow) -> dict[str, Any]:
    return {
        "payment_hash": row.payment_hash.hex(),
        "payment_request": row.payment_request,
        "state": Invoice.InvoiceState.Name(row.state),
        "value_msat": row.value_msat,
        "value_sats": row.value_msat // MSAT_PER_SAT,
        "amt_paid_msat": row.amt_paid_msat,
        "memo": row.memo,
        "preimage": row.preimage.hex(),
        "add_index": row.add_index,
        "settle_index": row.settle_index,
        "created_at": row.created_at,
        "expiry_seconds": row.expiry_seconds,
        "payer": row.payer,
    }
