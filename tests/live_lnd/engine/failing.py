"""Two payouts whose invoices cannot be paid as ordered: one expires before it is due, one is refused by its payee."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from tests.crash.payouts import MSAT, NET_SATS, Order
from tests.crash.wallets import WalletInvoice
from tests.live_lnd.engine.engine import Engine, last_moment
from transfers.enums import AttemptState

EXPIRES_AFTER_SECONDS, DUE_AFTER_SECONDS = 2, 4


@dataclass
class FailingInvoices:
    engine: Engine
    expired: Order
    refused: Order
    second: tuple[WalletInvoice, ...] = ()

    @classmethod
    def order(cls, engine: Engine) -> Self:
        short = engine.wallets.invoice(NET_SATS * MSAT, memo="expires", expiry_seconds=EXPIRES_AFTER_SECONDS)
        cancelled = engine.invoice("refused")
        engine.wallets.cancel(cancelled)
        expired = engine.scheduled_payout("expired", short, after_seconds=DUE_AFTER_SECONDS)
        return cls(engine, expired, engine.payout("refused", cancelled))

    def replace_when_failed(self) -> None:
        """Wait until a worker found both unpayable; require why; have people retry them with other invoices."""
        engine = self.engine
        engine.wait_for("failed", [self.expired, self.refused])
        assert engine.row(self.expired).failure_code == "invoice-expired"
        assert engine.attempts(self.expired) == []
        assert engine.wallets.recorded(self.expired["hash"]) == []
        (first,) = engine.attempts(self.refused)
        assert (first.state, first.outcome) == (AttemptState.FAILED, "incorrect-payment-details")
        assert [one["status"] for one in engine.wallets.recorded(self.refused["hash"])] == ["FAILED"]
        self.second = tuple(
            engine.retry_with_another_invoice(order) for order in (self.expired, self.refused)
        )

    def require_right(self) -> None:
        """Require that both were paid by their second invoices, and not before the first could be paid no more."""
        engine, first_invoices = self.engine, (self.expired["hash"], self.refused["hash"])
        engine.wait_for("completed", [self.expired, self.refused])
        first, second = engine.attempts(self.refused)
        assert first.unpaid_at is not None
        # It is confirmed as unpaid again and again until it has expired.
        assert last_moment(first) <= min(first.unpaid_at, second.opened_at)
        assert [engine.wallets.paid(one).payments for one in first_invoices] == [0, 0]
        assert [engine.wallets.paid(one.payment_hash).payments for one in self.second] == [1, 1]
