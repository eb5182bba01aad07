"""The table from MTN's answers to outcomes: every documented code, and every shape that was recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ledger.types import xof
from partners.mtn.outcomes import (
    CALL_REFUSALS,
    REASONS,
    evidence_of,
    is_credentials,
    outcome_of_call,
    outcome_of_status,
    reason_in,
)
from partners.wire import Answer
from transfers.enums import FailureClass
from transfers.types import Order, Refused, Succeeded, Unknown

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
REFERENCE = "7c1f2f9e-1f2a-4a1b-9c57-1f35a6c0b001"
# The portal's list of reasons, and three that only tests of others saw.
DOCUMENTED = (
    "PAYEE_NOT_FOUND", "PAYER_NOT_FOUND", "NOT_ALLOWED", "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST", "INVALID_CURRENCY", "SERVICE_UNAVAILABLE", "INTERNAL_PROCESSING_ERROR",
    "NOT_ENOUGH_FUNDS", "PAYER_LIMIT_REACHED", "PAYEE_NOT_ALLOWED_TO_RECEIVE", "PAYMENT_NOT_APPROVED",
    "RESOURCE_NOT_FOUND", "APPROVAL_REJECTED", "EXPIRED", "TRANSACTION_CANCELED", "RESOURCE_ALREADY_EXIST",
    "COULD_NOT_PERFORM_TRANSACTION", "ONGOING", "PAYER_DELAYED",
)  # fmt: skip
F = FailureClass


def order(payload: str = '{"payee":{"partyIdType":"MSISDN","partyId":"2250707000001"}}') -> Order:
    return Order(
        rail="mtn", reference=REFERENCE, payload=payload, amount=xof(983), cost_limit=xof(120),
        payee="phone:+2250707000001", source="proxy.momoapi.mtn.com:mtnivorycoast", expires_at=NOW,
        give_up_after=NOW, is_renewable=True,
    )  # fmt: skip


def row(**changes: Any) -> dict[str, Any]:
    """Return a status as MTN answers it."""
    given = {
        "amount": "983", "currency": "XOF", "financialTransactionId": "363440463", "externalId": REFERENCE,
        "payee": {"partyIdType": "MSISDN", "partyId": "2250707000001"}, "payerMessage": "SunuSav 7",
        "payeeNote": "SunuSav 7", "status": "SUCCESSFUL", **changes,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value is not None}


def outcome(changed: dict[str, Any]) -> Succeeded | Refused | Unknown:
    return outcome_of_status(changed, order(), currency="XOF")


def answer(status: int, document: Any = None, *, text: bytes = b"") -> Answer:
    body = text if document is None else json.dumps(document).encode()
    return Answer(status, "application/json", body)


# Statuses


@pytest.mark.parametrize("amount", ["983", "983.0", 983, Decimal("983.0")])
def test_successful_payment_is_proven_by_its_transaction(amount: Any) -> None:
    assert outcome(row(amount=amount)) == Succeeded(
        "363440463", xof(983), None,
        {"status": "SUCCESSFUL", "amount": str(amount) if not isinstance(amount, Decimal) else "",
         "currency": "XOF", "financialTransactionId": "363440463", "externalId": REFERENCE,
         "phone": "225070•••••01"},
    )  # fmt: skip


def test_successful_payment_without_a_number_is_proven_by_our_reference() -> None:
    found = outcome(row(financialTransactionId=None, externalId=None))

    assert isinstance(found, Succeeded)
    assert found.proof == REFERENCE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": "984"}, "another-amount"),
        ({"amount": "983.5"}, "unreadable-answer"),
        ({"amount": None}, "unreadable-answer"),
        ({"currency": "EUR"}, "another-currency"),
        ({"currency": None}, "another-currency"),
        ({"payee": {"partyIdType": "MSISDN", "partyId": "2250707000002"}}, "another-phone"),
        ({"payee": None}, "another-phone"),
        ({"externalId": "6353636"}, "another-reference"),
    ],
)
@pytest.mark.parametrize("status", ["SUCCESSFUL", "FAILED", "PENDING"])
def test_status_of_another_payment_needs_a_person(changes: dict[str, Any], reason: str, status: str) -> None:
    found = outcome(row(status=status, **changes))

    assert isinstance(found, Unknown)
    assert (found.suspect, found.reason) == (True, reason)


def test_phone_is_not_compared_once_the_order_was_erased() -> None:
    for erased in ("", "{}", "[]", '{"payee": 1}'):
        found = outcome_of_status(row(payee=None), order(erased), currency="XOF")
        assert isinstance(found, Succeeded)


@pytest.mark.parametrize(
    ("status", "reason"),
    [("PENDING", "pending"), ("CREATED", "created"), ("REVERSED", "status-unknown"), ("successful", "status-unknown"),
     (None, "status-unknown"), (7, "status-unknown")],
)  # fmt: skip
def test_other_states_are_open_and_never_success(status: Any, reason: str) -> None:
    found = outcome(row(status=status))

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect, found.reason) == (True, False, reason)


def test_every_documented_reason_has_a_class() -> None:
    assert sorted(REASONS) == sorted(DOCUMENTED)


@pytest.mark.parametrize("code", DOCUMENTED)
def test_failed_payment_is_refused_whether_its_reason_is_an_object_or_a_text(code: str) -> None:
    for reason in ({"code": code, "message": "why"}, code):
        found = outcome(row(status="FAILED", reason=reason, financialTransactionId=None))
        assert isinstance(found, Refused)
        assert (found.reason, found.failure) == (code.lower().replace("_", "-"), REASONS[code])
        assert (found.evidence["code"], found.is_recorded) == (code, True)


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (None, "failed-without-reason"),
        ({}, "failed-without-reason"),
        ({"code": None}, "failed-without-reason"),
        ("", "failed-without-reason"),
        ("A_NEW_CODE", "a-new-code"),
        (["x"], "failed-without-reason"),
    ],
)
def test_unknown_reason_needs_a_person(reason: Any, shown: str) -> None:
    found = outcome(row(status="FAILED", reason=reason))

    assert isinstance(found, Refused)
    assert (found.reason, found.failure) == (shown, F.REVIEW)


def test_evidence_has_no_name_note_or_phone() -> None:
    shown = evidence_of(
        row(payerMessage="for Awa", reason={"code": "EXPIRED", "message": "Awa 2250707000001"})
    )

    assert "Awa" not in str(shown)
    assert "0707000001" not in str(shown)
    assert shown["code"] == reason_in({"reason": "EXPIRED"}) == "EXPIRED"


# Answers to the call


@pytest.mark.parametrize("text", [b"", b"{}", b"anything"])
def test_202_is_a_receipt_and_no_payment(text: bytes) -> None:
    found = outcome_of_call(answer(202, text=text))

    assert isinstance(found, Unknown)
    assert (found.seen, found.reason) == (True, "accepted")


@pytest.mark.parametrize("document", [{"code": "RESOURCE_ALREADY_EXIST", "message": "Duplicated"}, None])
def test_409_means_that_the_reference_is_taken(document: Any) -> None:
    found = outcome_of_call(answer(409, document))

    assert isinstance(found, Unknown)
    assert (found.seen, found.reason, found.suspect) == (True, "reference-taken", False)


@pytest.mark.parametrize(
    ("status", "document", "reason", "failure"),
    [
        (401, {"statusCode": 401, "message": "Access denied due to invalid subscription key. Make sure to"},
         "invalid-subscription-key", F.STOP),
        (401, {"code": "ACCESS DENIED DUE TO INVALID SUBSCRIPTION KEY"}, "invalid-subscription-key", F.STOP),
        (401, {"message": "Unauthorized"}, "unauthorized", F.STOP),
        (401, None, "unauthorized", F.STOP),
        (403, {"code": "FORBIDDEN IP", "message": "Authorization failed."}, "forbidden-ip", F.STOP),
        (500, {"code": "NOT_ALLOWED"}, "not-allowed", F.REVIEW),
        (500, {"code": "NOT_ALLOWED_TARGET_ENVIRONMENT"}, "not-allowed-target-environment", F.STOP),
        (500, {"code": "INVALID_CALLBACK_URL_HOST"}, "invalid-callback-url-host", F.STOP),
        (500, {"code": "INVALID_CURRENCY"}, "invalid-currency", F.STOP),
        (500, {"code": "NOT_ENOUGH_FUNDS"}, "not-enough-funds", F.HOLD),
        (500, {"code": "PAYER_LIMIT_REACHED"}, "payer-limit-reached", F.HOLD),
        (500, {"code": "PAYEE_NOT_FOUND"}, "payee-not-found", F.FINAL),
        (400, {"message": "X-Reference-Id is not valid"}, "call-malformed", F.REVIEW),
    ],
)  # fmt: skip
def test_documented_refusal_of_a_call_created_nothing(
    status: int, document: Any, reason: str, failure: FailureClass
) -> None:
    found = outcome_of_call(answer(status, document))

    assert isinstance(found, Refused)
    assert (found.reason, found.failure, found.is_recorded) == (reason, failure, False)


def test_every_refusal_of_a_call_is_tested_above() -> None:
    assert len(CALL_REFUSALS) == 10


@pytest.mark.parametrize(
    ("status", "document", "text"),
    [
        (500, None, b""),
        (500, None, b"<html>"),
        (500, {"code": "INTERNAL_PROCESSING_ERROR"}, b""),
        (500, {"code": "SERVICE_UNAVAILABLE"}, b""),
        (503, {"code": "SERVICE_UNAVAILABLE", "message": "try later"}, b""),
        (502, None, b"<html>"),
        (504, None, b""),
        (429, {"statusCode": 429, "message": "Rate limit is exceeded."}, b""),
        (408, None, b""),
        (403, None, b"<html>blocked</html>"),
        (400, None, b"<html>"),
        (404, {"statusCode": 404, "message": "Resource not found"}, b""),
        (200, {}, b""),
        (201, None, b""),
        (302, None, b""),
        (403, {"code": "NOT_ALLOWED"}, b""),
    ],
)
def test_any_other_answer_to_a_call_is_unknown(status: int, document: Any, text: bytes) -> None:
    found = outcome_of_call(answer(status, document, text=text))

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect) == (False, False)
    assert found.evidence["http_status"] == status


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "UNAUTHORIZED", True),
        (500, "NOT_ALLOWED", False),
        (500, "NOT_ENOUGH_FUNDS", False),
        (500, "", False),
    ],
)
def test_refused_access_differs_from_other_errors(status: int, code: str, expected: bool) -> None:
    assert is_credentials(status, code) is expected
