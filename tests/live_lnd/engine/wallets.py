"""The members' wallets on a real node, and what the platform's node recorded about their invoices."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from lightning.client.calls import unary_call
from lightning.proto import invoices_pb2, methods
from lightning.proto.lightning_pb2 import Invoice
from tests.crash.wallets import Paid, WalletInvoice
from tests.live_lnd.regtest.network import WALLETS, Regtest
from tests.live_lnd.regtest.node import Payment
from tests.live_lnd.regtest.wallets import CALL_SECONDS, NodeWallets


@dataclass(frozen=True)
class HeldInvoice(WalletInvoice):
    """An invoice whose payment stays in flight until its wallet settles or cancels it."""

    preimage: bytes


class RealWallets:
    """Invoices of the node `wallets`, and their payments by the record of the node `platform`."""

    def __init__(self, network: Regtest) -> None:
        self._platform = network.platform
        self._wallets = NodeWallets(network.wallets)

    def invoice(self, amount_msat: int, *, memo: str, expiry_seconds: int) -> WalletInvoice:
        made = self._wallets.invoice(WALLETS, amount_msat, memo=memo, expiry=expiry_seconds)
        return WalletInvoice(made["payment_request"], made["payment_hash"])

    def hold_invoice(self, amount_msat: int) -> HeldInvoice:
        text, preimage = self._wallets.hold_invoice(amount_msat)
        return HeldInvoice(text, sha256(preimage).hexdigest(), preimage)

    def settle(self, held: HeldInvoice) -> None:
        request = invoices_pb2.SettleInvoiceMsg(preimage=held.preimage)
        unary_call(self._wallets.access, methods.SETTLE_INVOICE, request, timeout_seconds=CALL_SECONDS)

    def cancel(self, invoice: WalletInvoice) -> None:
        self._wallets.cancel(invoice.payment_hash)

    def state_of(self, payment_hash: str) -> str:
        return Invoice.InvoiceState.Name(self._looked_up(payment_hash).state)

    def received_msat(self, payment_hash: str) -> int:
        return self._looked_up(payment_hash).amt_paid_msat

    def record(self) -> list[Payment]:
        return list(self._platform.payments())

    def recorded(self, payment_hash: str) -> list[Payment]:
        return [payment for payment in self.record() if payment["payment_hash"] == payment_hash]

    def paid(self, payment_hash: str) -> Paid:
        paid = [one for one in self.recorded(payment_hash) if one["status"] == "SUCCEEDED"]
        return Paid(len(paid), sum(int(one["value_msat"]) for one in paid))

    def _looked_up(self, payment_hash: str) -> Invoice:
        return self._wallets.client.lookup_invoice(bytes.fromhex(payment_hash))
