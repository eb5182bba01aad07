"""What SendPaymentV2 asks for, and the row with which LND's payment table begins to hold it."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.lnd.clock import NS_PER_SECOND
from sandbox.lnd.faults import ScriptedOutcome
from sandbox.lnd.rows import DEFAULT_FINAL_CLTV_DELTA, PaymentRow


@dataclass(frozen=True, kw_only=True)
class PaymentOrder:
    """A validated SendPaymentV2."""

    payment_hash: bytes
    payment_request: str
    payee: bytes
    payment_secret: bytes
    value_msat: int
    fee_limit_msat: int
    timeout_seconds: int
    final_cltv_delta: int = DEFAULT_FINAL_CLTV_DELTA

    def row(self, scripted: ScriptedOutcome, *, node: str, payment_index: int, now_ns: int) -> PaymentRow:
        """Return the new row of the payment, which has sent no HTLC yet."""
        return PaymentRow(
            node=node,
            payment_index=payment_index,
            payment_hash=self.payment_hash,
            payment_request=self.payment_request,
            payee=self.payee,
            payment_secret=self.payment_secret,
            value_msat=self.value_msat,
            fee_limit_msat=self.fee_limit_msat,
            created_ns=now_ns,
            timeout_at_ns=now_ns + self.timeout_seconds * NS_PER_SECOND,
            scripted=scripted.stored(),
            final_cltv_delta=self.final_cltv_delta,
        )
