"""The outcome of each answer that the node can give about a payment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from ledger.types import msat
from lightning.outcomes import Payment, is_terminal, outcome_of, preimage_fits
from lightning.proto import lightning_pb2
from transfers.enums import FailureClass
from transfers.types import Order, Refused, Succeeded, Unknown

PREIMAGE = sha256(b"a preimage").digest()
HASH = sha256(PREIMAGE).hexdigest()
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ORDER = Order(
    rail="lightning",
    reference=HASH,
    payload="lnbcrt995u1invoice",
    amount=msat(99_500_000),
    cost_limit=msat(995_000),
    payee="02" * 33,
    source="03" * 33,
    expires_at=NOW + timedelta(hours=24),
    give_up_after=NOW + timedelta(hours=24, minutes=10),
)


def payment(**facts: Any) -> Payment:
    usual: dict[str, Any] = {
        "payment_hash": HASH,
        "payment_preimage": PREIMAGE.hex(),
        "payment_request": ORDER.payload,
        "value_msat": ORDER.amount.amount,
        "fee_msat": 1_234,
        "status": Payment.SUCCEEDED,
    }
    return Payment(**(usual | facts))


def test_outcome_of_proven_success_is_paid_with_its_cost() -> None:
    paid = outcome_of(payment(), ORDER)
    assert isinstance(paid, Succeeded)
    assert (paid.proof, paid.amount, paid.cost) == (PREIMAGE.hex(), msat(99_500_000), msat(1_234))
    assert paid.evidence["status"] == "succeeded"


@pytest.mark.parametrize(
    ("creation_time_ns", "started_at"),
    [
        (1_795_305_600_123_456_789, datetime(2026, 11, 22, 0, 0, 0, 123_456, tzinfo=UTC)),
        (1_000, datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        (0, None),
    ],
)
def test_outcome_of_success_says_when_the_node_began(
    creation_time_ns: int, started_at: datetime | None
) -> None:
    paid = outcome_of(payment(creation_time_ns=creation_time_ns), ORDER)
    assert isinstance(paid, Succeeded)
    assert paid.started_at == started_at


def test_outcome_of_success_with_failure_reason_is_paid() -> None:
    """A settled HTLC takes precedence over a recorded failure reason."""
    paid = outcome_of(payment(failure_reason=lightning_pb2.FAILURE_REASON_TIMEOUT), ORDER)
    assert isinstance(paid, Succeeded)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"payment_preimage": "00" * 32}, "preimage-does-not-fit"),
        ({"payment_preimage": ""}, "preimage-does-not-fit"),
        ({"payment_preimage": "no hexadecimal"}, "preimage-does-not-fit"),
        ({"payment_preimage": (PREIMAGE + b"x").hex()}, "preimage-does-not-fit"),
        ({"value_msat": 99_499_999}, "another-amount-paid"),
        ({"value_msat": 99_500_001}, "another-amount-paid"),
        ({"payment_request": "lnbcrt995u1other"}, "another-invoice-paid"),
        ({"payment_request": ""}, "another-invoice-paid"),
    ],
)
def test_outcome_of_success_that_differs_from_the_order_is_unknown_and_suspect(
    facts: dict[str, Any], reason: str
) -> None:
    doubt = outcome_of(payment(**facts), ORDER)
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.reason, doubt.suspect) == (True, reason, True)


def test_outcome_of_another_hash_is_unknown_and_suspect() -> None:
    doubt = outcome_of(payment(payment_hash="ab" * 32), ORDER)
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.reason, doubt.suspect) == (False, "another-payment", True)


@pytest.mark.parametrize(
    ("number", "reason", "failure"),
    [
        (0, "none", FailureClass.REVIEW),
        (1, "timeout", FailureClass.RETRY),
        (2, "no-route", FailureClass.RETRY),
        (3, "error", FailureClass.REVIEW),
        (4, "incorrect-payment-details", FailureClass.FINAL),
        (5, "insufficient-balance", FailureClass.HOLD),
        (6, "canceled", FailureClass.RETRY),
        (7, "unknown-7", FailureClass.REVIEW),
        (99, "unknown-99", FailureClass.REVIEW),
    ],
)
def test_outcome_of_failure_follows_the_reason_table(number: int, reason: str, failure: FailureClass) -> None:
    refused = outcome_of(payment(status=Payment.FAILED, failure_reason=number), ORDER)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == (reason, failure)


@pytest.mark.parametrize("status", [0, 1, 4, 5, 77])
@pytest.mark.parametrize("failure_reason", [0, 1, 2, 6])
def test_outcome_of_open_payment_is_unknown_whatever_the_reason(status: int, failure_reason: int) -> None:
    """A reason may be set while an HTLC is still in flight, and an unknown status is not an end."""
    open_payment = payment(status=status, failure_reason=failure_reason)
    doubt = outcome_of(open_payment, ORDER)
    assert not is_terminal(open_payment)
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.reason, doubt.suspect) == (True, "in-flight", False)


def test_outcome_of_failure_keeps_the_result_of_each_htlc() -> None:
    htlc = lightning_pb2.HTLCAttempt(
        status=lightning_pb2.HTLCAttempt.FAILED,
        failure=lightning_pb2.Failure(code=lightning_pb2.Failure.FEE_INSUFFICIENT, failure_source_index=2),
    )
    refused = outcome_of(payment(status=Payment.FAILED, htlcs=[htlc]), ORDER)
    assert refused.evidence["htlcs"] == [
        {"status": "failed", "failure_code": "fee-insufficient", "failure_source_index": 2}
    ]


def test_preimage_fits_only_its_own_hash() -> None:
    assert preimage_fits(HASH, PREIMAGE.hex())
    assert not preimage_fits(sha256(b"other").hexdigest(), PREIMAGE.hex())
    assert not preimage_fits(sha256(b"short").hexdigest(), b"short".hex())


def test_outcome_of_refused_fetched_invoice_is_renew() -> None:
    spent = payment(
        status=Payment.FAILED,
        failure_reason=lightning_pb2.FAILURE_REASON_INCORRECT_PAYMENT_DETAILS,
        payment_preimage="00" * 32,
    )
    found = [outcome_of(spent, replace(ORDER, is_renewable=fetched)) for fetched in (True, False)]
    assert [outcome.failure for outcome in found if isinstance(outcome, Refused)] == [
        FailureClass.RENEW,
        FailureClass.FINAL,
    ]
