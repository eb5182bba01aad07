"""A node's invoices: added, paid, held, cancelled, expired. This module does not import `payments`, which imports it.

Source: lightningnetwork/lnd invoicesrpc/addinvoice.go, invoices/invoiceregistry.go, invoices/update.go.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc

from lightning import bolt11
from lightning.proto.lightning_pb2 import Invoice
from sandbox.lnd.chain import height_at
from sandbox.lnd.errors import Refusal
from sandbox.lnd.feeds import Feed
from sandbox.lnd.messages import MSAT_PER_SAT, invoice_message
from sandbox.lnd.node_state import NodeState
from sandbox.lnd.rows import DEFAULT_FINAL_CLTV_DELTA, HASH_BYTES, HtlcRow, InvoiceRow, PaymentRow

MAX_MEMO_BYTES = 1024
MAX_AMOUNT_SATS = 100_000 * 100_000_000
MAX_EXPIRY_SECONDS = 365 * 24 * 3600
DEFAULT_EXPIRY_SECONDS = 24 * 3600
MIN_CLTV_EXPIRY, MAX_CLTV_EXPIRY = 24, 65_535
# Required: onion, payment secret. Optional: multi-part payments, route blinding.
FEATURES = 1 << 8 | 1 << 14 | 1 << 17 | 1 << 25

# Before 0.20, LND answers UNKNOWN instead of NOT_FOUND while it has no invoices.
EMPTY_IS_NOT_FOUND_SINCE = 20
UNPAID = (Invoice.OPEN, Invoice.ACCEPTED)
NOT_FOUND = grpc.StatusCode.NOT_FOUND


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The fields of AddInvoice and AddHoldInvoice; a `payment_hash` without preimage makes a hold invoice."""

    value_msat: int
    memo: str = ""
    description_hash: bytes = b""
    expiry_seconds: int = 0
    cltv_expiry: int = 0
    preimage: bytes = b""
    payment_hash: bytes = b""
    is_private: bool = False


class Payer(Protocol):
    """The payments of the node that pays a hold invoice; `payments.PaymentBook` implements it."""

    def settle_held(self, payment_index: int, preimage: bytes, receiver_rows: Sequence[object]) -> None: ...

    def fail_held(self, payment_index: int) -> None: ...


class InvoiceBook:
    """Take the shared lock in every method, except where the docstring states that the caller holds it."""

    def __init__(
        self, node: NodeState, rows: Iterable[InvoiceRow], *, payer_of: Callable[[InvoiceRow], Payer]
    ) -> None:
        self.node = node
        self._payer_of = payer_of
        self.rows = {row.payment_hash: row for row in rows}
        self.by_add_index = {
            row.add_index: row for row in sorted(self.rows.values(), key=lambda row: row.add_index)
        }
        self._open = {row.payment_hash: row for row in self.rows.values() if row.state == Invoice.OPEN}
        self.added_or_settled: Feed[Invoice] = Feed()
        self.changed: Feed[Invoice] = Feed()

    def add(self, draft: Draft) -> InvoiceRow:
        _check(draft)
        with self.node.shared.lock:
            row = self._signed(draft)
            if row.payment_hash in self.rows:
                raise Refusal("invoice with payment hash already exists")
            self.node.row.last_add_index = row.add_index
            self.node.shared.store.save(row, self.node.row)
            self.rows[row.payment_hash] = self._open[row.payment_hash] = row
            self.by_add_index[row.add_index] = row
            self._announce(row)
            self.added_or_settled.publish("added", lambda: invoice_message(row))
            return row

    def lookup(self, payment_hash: bytes) -> InvoiceRow:
        if len(payment_hash) != HASH_BYTES:
            raise Refusal(f"payment hash must be exactly 32 bytes, is instead {len(payment_hash)}")
        row = self.rows.get(payment_hash)
        if row is None:
            raise self._not_found()
        return row

    def _not_found(self) -> Refusal:
        """Return the refusal of an unknown invoice: before 0.20 an empty table had its own text and code UNKNOWN."""
        if self.rows:
            return Refusal("unable to locate invoice", NOT_FOUND)
        has_code = self.node.options.minor >= EMPTY_IS_NOT_FOUND_SINCE
        return Refusal("there are no existing invoices", NOT_FOUND if has_code else grpc.StatusCode.UNKNOWN)

    def cancel(self, payment_hash: bytes) -> None:
        with self.node.shared.lock:
            row = self._known(payment_hash)
            if row.state == Invoice.SETTLED:
                raise Refusal("invoice already settled")
            if row.state == Invoice.CANCELED:
                return
            self._cancel(row)

    def settle_held(self, preimage: bytes) -> None:
        """Settle a hold invoice with its preimage, which the payer receives."""
        if len(preimage) != HASH_BYTES:
            raise Refusal(f"invalid preimage length of {len(preimage)}, want 32")
        with self.node.shared.lock:
            row = self._known(hashlib.sha256(preimage).digest())
            if row.state == Invoice.OPEN:
                raise Refusal("invoice still open")
            if row.state == Invoice.CANCELED:
                raise Refusal("invoice already canceled")
            if row.state == Invoice.SETTLED:
                return
            row.preimage = preimage
            self.node.row.unsettled_in_msat -= row.accepted_msat
            self._payer_of(row).settle_held(row.payer_payment_index, preimage, self._settle(row))
            self._announce_settled(row)

    def invoice_paid_by(self, payment: PaymentRow) -> InvoiceRow | None:
        """Return the invoice that this HTLC pays, or None to refuse it. The caller holds the shared lock."""
        row = self.rows.get(payment.payment_hash)
        if row is None or row.state != Invoice.OPEN or row.payment_secret != payment.payment_secret:
            return None
        return row if payment.value_msat >= row.value_msat else None

    def accept(self, row: InvoiceRow, htlc: HtlcRow) -> list[object]:
        """Accept the HTLC: settle it, or hold it for a hold invoice. The caller holds the lock and saves the rows."""
        row.payer, row.payer_payment_index = htlc.node, htlc.payment_index
        row.accepted_msat = row.amt_paid_msat = htlc.amount_msat
        row.accepted_at = self.node.shared.clock.now()
        row.accept_height = height_at(row.accepted_at)
        row.htlc_expiry_height, row.htlc_index = htlc.expiry_height, htlc.htlc_index
        self.node.row.remote_msat -= htlc.amount_msat
        if row.preimage:
            return self._settle(row)
        row.state = Invoice.ACCEPTED
        self._open.pop(row.payment_hash, None)
        self.node.row.unsettled_in_msat += htlc.amount_msat
        return [row, self.node.row]

    def announce(self, row: InvoiceRow) -> None:
        """Publish the result of `accept`, after the rows were saved."""
        if row.state == Invoice.SETTLED:
            self._announce_settled(row)
        else:
            self._announce(row)

    def cancel_expired(self) -> None:
        """Cancel open invoices after their expiry; accepted ones are not affected."""
        now = self.node.shared.clock.now()
        for row in [row for row in list(self._open.values()) if row.expires_at < now]:
            with self.node.shared.lock:
                if row.state == Invoice.OPEN:
                    self._cancel(row)

    def _known(self, payment_hash: bytes) -> InvoiceRow:
        """Return the row for invoicesrpc, where an unknown hash is UNKNOWN, not NOT_FOUND."""
        row = self.rows.get(payment_hash)
        if row is None:
            raise Refusal("unable to locate invoice")
        return row

    def _settle(self, row: InvoiceRow) -> list[object]:
        node = self.node.row
        node.last_settle_index += 1
        node.local_msat += row.accepted_msat
        row.state, row.settle_index = Invoice.SETTLED, node.last_settle_index
        row.settled_at = row.htlc_resolved_at = self.node.shared.clock.now()
        self._open.pop(row.payment_hash, None)
        return [row, node]

    def _cancel(self, row: InvoiceRow) -> None:
        was_held, row.state = row.state == Invoice.ACCEPTED, Invoice.CANCELED
        self._open.pop(row.payment_hash, None)
        if was_held:
            row.htlc_resolved_at = self.node.shared.clock.now()
            self.node.row.unsettled_in_msat -= row.accepted_msat
            self.node.row.remote_msat += row.accepted_msat
        self.node.shared.store.save(row, self.node.row)
        self._announce(row)
        if was_held:
            self._payer_of(row).fail_held(row.payer_payment_index)

    def _announce(self, row: InvoiceRow) -> None:
        self.changed.publish(row.payment_hash, lambda: invoice_message(row))

    def _announce_settled(self, row: InvoiceRow) -> None:
        self._announce(row)
        self.added_or_settled.publish("settled", lambda: invoice_message(row))

    def _signed(self, draft: Draft) -> InvoiceRow:
        preimage = b"" if draft.payment_hash else draft.preimage or secrets.token_bytes(32)
        row = InvoiceRow(
            node=self.node.row.name,
            payment_hash=draft.payment_hash or hashlib.sha256(preimage).digest(),
            preimage=preimage,
            payment_secret=secrets.token_bytes(32),
            add_index=self.node.row.last_add_index + 1,
            memo=draft.memo,
            description_hash=draft.description_hash,
            value_msat=draft.value_msat,
            created_at=self.node.shared.clock.now(),
            expiry_seconds=draft.expiry_seconds or DEFAULT_EXPIRY_SECONDS,
            cltv_expiry=draft.cltv_expiry or DEFAULT_FINAL_CLTV_DELTA,
            payment_request="",
            features=FEATURES,
            is_hold=int(bool(draft.payment_hash)),
            is_private=int(draft.is_private),
        )
        row.payment_request = bolt11.encode(self._bolt11_draft(row), self.node.row.private_key)
        return row

    def _bolt11_draft(self, row: InvoiceRow) -> bolt11.InvoiceDraft:
        return bolt11.InvoiceDraft(
            network=self.node.shared.prefix,
            timestamp=row.created_at,
            payment_hash=row.payment_hash,
            payment_secret=row.payment_secret,
            amount_msat=row.value_msat or None,
            description=None if row.description_hash else row.memo,
            description_hash=row.description_hash or None,
            expiry_seconds=row.expiry_seconds,
            min_final_cltv_expiry=row.cltv_expiry,
            features=row.features,
        )


def _check(draft: Draft) -> None:
    """Refuse what LND's AddInvoice refuses, in the same order."""
    memo_bytes = len(draft.memo.encode())
    if draft.preimage and len(draft.preimage) != HASH_BYTES:
        raise Refusal(f"invalid preimage length of {len(draft.preimage)}, want 32")
    if draft.payment_hash and len(draft.payment_hash) != HASH_BYTES:
        raise Refusal(f"invalid hash length of {len(draft.payment_hash)}, want 32")
    if memo_bytes > MAX_MEMO_BYTES:
        raise Refusal(f"memo too large: {memo_bytes} bytes (maxsize={MAX_MEMO_BYTES})")
    if draft.description_hash and len(draft.description_hash) != HASH_BYTES:
        raise Refusal(f"description hash is {len(draft.description_hash)} bytes, must be 32")
    if draft.value_msat < 0:
        raise Refusal(f"payments of negative value are not allowed, value is {draft.value_msat}")
    if draft.value_msat // MSAT_PER_SAT > MAX_AMOUNT_SATS:
        raise Refusal(
            f"invoice amount {draft.value_msat // MSAT_PER_SAT} is too large, max is {MAX_AMOUNT_SATS}"
        )
    if draft.expiry_seconds > MAX_EXPIRY_SECONDS:
        raise Refusal(
            f"expiry of {draft.expiry_seconds} seconds greater than max expiry of {MAX_EXPIRY_SECONDS} seconds"
        )
    if draft.cltv_expiry > MAX_CLTV_EXPIRY:
        raise Refusal(f"CLTV delta of {draft.cltv_expiry} is too large, max accepted is: {MAX_CLTV_EXPIRY}")
    if draft.cltv_expiry and draft.cltv_expiry < MIN_CLTV_EXPIRY:
        raise Refusal(f"CLTV delta of {draft.cltv_expiry} must be greater than minimum of {MIN_CLTV_EXPIRY}")
