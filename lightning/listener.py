"""Follow the node's settlements, so that a contribution is booked within seconds of its payment.

The listener is an optimisation: the sweep in `transfers` queries each open collection and does not depend on it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta

from django.db import InterfaceError, OperationalError, close_old_connections

from lightning.client import LndClient, NodeError, NodeStream, NodeUnavailable
from lightning.proto import lightning_pb2
from lightning.services import move_cursor, open_cursor, record_settlement, record_settlement_at_cursor
from sunusav.core.clock import Clock

log = logging.getLogger(__name__)

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
PAGE_SIZE = 500
# At start, invoices of this period are read again: it is longer than the validity of any of our invoices.
RECONCILE_WINDOW = timedelta(days=8)
SETTLED = lightning_pb2.Invoice.SETTLED


class Listener:
    """Follow one node until `stop` is set, retrying while the node or the database is unavailable."""

    def __init__(self, client: LndClient, *, clock: Clock, stop: threading.Event) -> None:
        self._client, self._clock, self._stop = client, clock, stop
        self._stream: NodeStream[lightning_pb2.Invoice] | None = None
        self._reconciled: set[str] = set()
        self._wait_seconds = FIRST_WAIT_SECONDS

    def run(self) -> None:
        """Reconcile, then follow; after each interruption start again, with growing pauses."""
        threading.Thread(target=self._cancel_on_stop, daemon=True).start()
        while not self._stop.is_set():
            self._try_to_follow()
            self._stop.wait(self._wait_seconds)
            self._wait_seconds = min(2 * self._wait_seconds, LONGEST_WAIT_SECONDS)

    def _try_to_follow(self) -> None:
        try:
            self._follow()
        except (NodeError, OperationalError, InterfaceError) as error:
            if not self._stop.is_set():
                log.warning("subscription interrupted: %s", error)
        close_old_connections()

    def _follow(self) -> None:
        node_pubkey = self._client.get_info().identity_pubkey
        self._reconcile(node_pubkey)
        with self._client.subscribe_invoices(settle_index=open_cursor(node_pubkey).settle_index) as stream:
            self._stream = stream
            if self._stop.is_set():
                return
            for invoice in stream:
                self._wait_seconds = FIRST_WAIT_SECONDS
                self._record(invoice, node_pubkey)
        raise NodeUnavailable("the node ended the subscription")

    def _record(self, invoice: lightning_pb2.Invoice, node_pubkey: str) -> None:
        if invoice.state == SETTLED:
            close_old_connections()
            record_settlement_at_cursor(invoice, node_pubkey=node_pubkey, now=self._clock())

    def _reconcile(self, node_pubkey: str) -> None:
        """Record recent settlements once per run, and whenever the cursor is at 0.

        LND sends no backlog for a subscription from index 0 (`SubscribeInvoices`), so the cursor must first be set.
        """
        cursor = open_cursor(node_pubkey)
        if node_pubkey in self._reconciled and cursor.settle_index:
            return
        settled = [invoice for invoice in self._recent_invoices() if invoice.state == SETTLED]
        for invoice in settled:
            record_settlement(invoice, now=self._clock())
        if not cursor.settle_index:
            newest = max((invoice.settle_index for invoice in settled), default=0)
            move_cursor(node_pubkey, settle_index=newest, now=self._clock())
        self._reconciled.add(node_pubkey)

    def _recent_invoices(self) -> Iterator[lightning_pb2.Invoice]:
        oldest = (self._clock() - RECONCILE_WINDOW).timestamp()
        before_index = 0
        while True:
            page = self._client.list_newest_invoices(before_index=before_index, page_size=PAGE_SIZE)
            yield from page.invoices
            if len(page.invoices) < PAGE_SIZE or page.invoices[0].creation_date < oldest:
                return
            before_index = page.first_index_offset

    def _cancel_on_stop(self) -> None:
        self._stop.wait()
        if self._stream is not None:
            self._stream.cancel()
