"""The payees of a crash test: they make invoices, and know what a paying node's own record has about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sandbox.lnd.control import Control


@dataclass(frozen=True)
class WalletInvoice:
    """An invoice of a payee; the hash is hexadecimal."""

    text: str
    payment_hash: str


@dataclass(frozen=True)
class Paid:
    """How often an invoice was paid by the paying node's record, and how much in all. Units: msat."""

    payments: int
    amount_msat: int


class Wallets(Protocol):
    def invoice(self, amount_msat: int, *, memo: str, expiry_seconds: int) -> WalletInvoice: ...

    def paid(self, payment_hash: str) -> Paid: ...


class SimulatedWallets:
    """The node `wallets` of a simulated world, paid by `platform`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def invoice(self, amount_msat: int, *, memo: str, expiry_seconds: int) -> WalletInvoice:
        made = self._control.invoice("wallets", amount_msat, memo=memo, expiry=expiry_seconds)
        return WalletInvoice(made["payment_request"], made["payment_hash"])

    def paid(self, payment_hash: str) -> Paid:
        rows = self._control.payments_of("platform", payment_hash)
        paid = [row for row in rows if row["status"] == "SUCCEEDED"]
        return Paid(
            sum(row["successes"] for row in paid), sum(row["value_msat"] * row["successes"] for row in paid)
        )
