"""The wallets of members and winners: one real node, as the scenarios of the sandbox use the simulated one."""

from __future__ import annotations

import secrets
from hashlib import sha256
from pathlib import Path
from typing import Any

from lightning.client import LndClient, NodeAccess
from lightning.client.calls import unary_call
from lightning.proto import invoices_pb2, lightning_pb2, methods
from tests.live_lnd.backends import RECIPIENT_METHODS
from tests.live_lnd.regtest.node import NETWORK, LndNode

MSAT = 1_000
VALID_SECONDS = 86_400
CALL_SECONDS = 15


class NodeWallets:
    """Invoices by the node's API; payments by lncli, as a person pays."""

    def __init__(self, node: LndNode) -> None:
        self.node = node
        self.access = NodeAccess(
            node.grpc_host, NETWORK, str(node.certificate), macaroon_path=str(_baked(node))
        )
        self.client = LndClient(self.access)

    def invoice(self, node: str, amount_msat: int, *, memo: str = "", expiry: int = VALID_SECONDS) -> Any:
        answer = self.client.add_invoice(
            preimage=secrets.token_bytes(32), amount_msat=amount_msat, memo=memo, expiry_seconds=expiry
        )
        return {"payment_request": answer.payment_request, "payment_hash": answer.r_hash.hex()}

    def pay(self, node: str, payment_request: str) -> Any:
        """Pay an invoice; return the payment. Raises: CallFailed."""
        return self.node.cli("payinvoice", "--force", "--json", payment_request)

    def is_settled(self, payment_hash: str) -> bool:
        invoice = self.client.lookup_invoice(bytes.fromhex(payment_hash))
        return invoice.state == lightning_pb2.Invoice.SETTLED

    def cancel(self, payment_hash: str) -> None:
        self.client.cancel_invoice(bytes.fromhex(payment_hash))

    def hold_invoice(self, amount_msat: int) -> tuple[str, bytes]:
        """Create an invoice whose payment stays in flight until it is settled; return it and its preimage."""
        preimage = secrets.token_bytes(32)
        request = invoices_pb2.AddHoldInvoiceRequest(
            hash=sha256(preimage).digest(), value_msat=amount_msat, expiry=VALID_SECONDS
        )
        answer = unary_call(self.access, methods.ADD_HOLD_INVOICE, request, timeout_seconds=CALL_SECONDS)
        return answer.payment_request, preimage


def _baked(node: LndNode) -> Path:
    return node.bake("journeys", [f"uri:{method.path}" for method in RECIPIENT_METHODS])
