"""The node's list of payments, page by page, to be matched with our books."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.types import msat
from lightning.client import LndClient
from lightning.outcomes import Payment, is_terminal
from transfers.types import ProviderPayment

PAGE_SIZE = 500


def provider_payments(client: LndClient, *, page_size: int = PAGE_SIZE) -> Iterator[ProviderPayment]:
    """List all payments of the node in the order of their index."""
    index = 0
    while True:
        page = client.list_payments(after_index=index, page_size=page_size)
        yield from map(_line, page.payments)
        if not page.payments or page.last_index_offset <= index:
            return
        index = page.last_index_offset


def _line(payment: Payment) -> ProviderPayment:
    return ProviderPayment(
        reference=payment.payment_hash,
        is_paid=payment.status == Payment.SUCCEEDED,
        is_open=not is_terminal(payment),
        amount=msat(payment.value_msat),
        cost=msat(payment.fee_msat),
    )
