"""Translate a payment of the node into an outcome for the payment engine. No network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from ledger.types import msat
from lightning.proto import lightning_pb2
from transfers.enums import FailureClass
from transfers.types import Order, Refused, Succeeded, Unknown

Payment = lightning_pb2.Payment
HASH_BYTES = 32
NS_PER_MICROSECOND = 1_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# LND's `PaymentFailureReason`. An unknown number goes to review by a person.
FAILURE_CLASSES = {
    lightning_pb2.FAILURE_REASON_TIMEOUT: FailureClass.RETRY,
    lightning_pb2.FAILURE_REASON_NO_ROUTE: FailureClass.RETRY,
    lightning_pb2.FAILURE_REASON_ERROR: FailureClass.REVIEW,
    lightning_pb2.FAILURE_REASON_INCORRECT_PAYMENT_DETAILS: FailureClass.FINAL,
    lightning_pb2.FAILURE_REASON_INSUFFICIENT_BALANCE: FailureClass.HOLD,
    lightning_pb2.FAILURE_REASON_CANCELED: FailureClass.RETRY,
    lightning_pb2.FAILURE_REASON_NONE: FailureClass.REVIEW,
}


def is_terminal(payment: Payment) -> bool:
    """Return whether the payment has ended. Only the status decides that, never the failure reason.

    LND may add values to its enums: an unknown status is not an end.
    """
    return payment.status in {Payment.SUCCEEDED, Payment.FAILED}


def outcome_of(payment: Payment, order: Order) -> Succeeded | Refused | Unknown:
    """Return the outcome of an order from the node's payment with the same hash."""
    evidence = evidence_of(payment)
    if payment.payment_hash != order.reference:
        return Unknown(seen=False, reason="another-payment", suspect=True, evidence=evidence)
    if payment.status == Payment.SUCCEEDED:
        return _paid(payment, order, evidence)
    if payment.status == Payment.FAILED:
        return Refused(
            reason=_enum_text(lightning_pb2.PaymentFailureReason, payment.failure_reason),
            failure=_failure_class(payment, order),
            evidence=evidence,
            # A failed hash that is sent again gets a new index.
            verdict=f"{payment.payment_index}/{payment.creation_time_ns}",
        )
    return Unknown(seen=True, reason="in-flight", evidence=evidence)


def _failure_class(payment: Payment, order: Order) -> FailureClass:
    """Classify a failure. An invoice that we fetched may be renewed when its recipient no longer accepts it."""
    failure = FAILURE_CLASSES.get(payment.failure_reason, FailureClass.REVIEW)
    return FailureClass.RENEW if failure == FailureClass.FINAL and order.is_renewable else failure


def _paid(payment: Payment, order: Order, evidence: dict[str, Any]) -> Succeeded | Unknown:
    if contradiction := _contradiction(payment, order):
        return Unknown(seen=True, reason=contradiction, suspect=True, evidence=evidence)
    return Succeeded(
        proof=payment.payment_preimage,
        amount=msat(payment.value_msat),
        cost=msat(payment.fee_msat),
        evidence=evidence,
        started_at=_started_at(payment),
    )


def _started_at(payment: Payment) -> datetime | None:
    """Return when the node began to pay; a failed payment that is sent again begins again. Rounding: down."""
    since_epoch = timedelta(microseconds=payment.creation_time_ns // NS_PER_MICROSECOND)
    return EPOCH + since_epoch if payment.creation_time_ns else None


def _contradiction(payment: Payment, order: Order) -> str:
    """Return how a successful payment differs from our order; "" when it agrees.

    An equal hash is not enough: the winner may have given us an invoice that was paid before.
    """
    if not preimage_fits(order.reference, payment.payment_preimage):
        return "preimage-does-not-fit"
    if msat(payment.value_msat) != order.amount:
        return "another-amount-paid"
    # Without its payload the order of an erased person is compared by hash, preimage and amount alone.
    if order.payload and payment.payment_request.lower() != order.payload:
        return "another-invoice-paid"
    return ""


def preimage_fits(payment_hash: str, preimage: str) -> bool:
    """Return whether this hexadecimal preimage hashes to the payment hash."""
    try:
        secret = bytes.fromhex(preimage)
    except ValueError:
        return False
    return len(secret) == HASH_BYTES and sha256(secret).hexdigest() == payment_hash


def evidence_of(payment: Payment) -> dict[str, Any]:
    """Return the facts that a reviewer needs: status, reason, amounts, the result of each HTLC."""
    return {
        "status": _enum_text(Payment.PaymentStatus, payment.status),
        "failure_reason": _enum_text(lightning_pb2.PaymentFailureReason, payment.failure_reason),
        "payment_hash": payment.payment_hash,
        "payment_index": payment.payment_index,
        "created_at_ns": payment.creation_time_ns,
        "value_msat": payment.value_msat,
        "fee_msat": payment.fee_msat,
        "htlcs": [_htlc_evidence(htlc) for htlc in payment.htlcs[-20:]],
    }


def _htlc_evidence(htlc: lightning_pb2.HTLCAttempt) -> dict[str, Any]:
    evidence: dict[str, Any] = {"status": _enum_text(lightning_pb2.HTLCAttempt.HTLCStatus, htlc.status)}
    if htlc.HasField("failure"):
        evidence["failure_code"] = _enum_text(lightning_pb2.Failure.FailureCode, htlc.failure.code)
        evidence["failure_source_index"] = htlc.failure.failure_source_index
    return evidence


def _enum_text(enum: Any, number: int) -> str:
    """Return an enum value's name in lower case with hyphens; an unknown number stays a number."""
    try:
        name: str = enum.Name(number)
    except ValueError:
        return f"unknown-{number}"
    return name.removeprefix("FAILURE_REASON_").lower().replace("_", "-")
