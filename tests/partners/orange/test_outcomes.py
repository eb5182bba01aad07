"""The table from Orange's answers to outcomes: every documented code and status, and what is in no document."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from ledger.types import xof
from partners.orange.errors import CallRefused
from partners.orange.outcomes import (
    FAILED,
    PENDING,
    REFUSALS,
    SUCCESS,
    UNKNOWN,
    is_transaction_id,
    outcome_of_answer,
    outcome_of_refusal,
    outcome_of_rows,
)
from transfers.enums import FailureClass
from transfers.types import Order, Refused, Succeeded, Unknown

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
TRANSACTION = "CI260304.1000.C58502"
REFERENCE = "733966e4-988b-4ce6-b1e4-d0ad95e8a980"
ORDER = Order(
    rail="orange", reference=REFERENCE, payload="+221771234567", amount=xof(7_960), cost_limit=xof(260),
    payee="phone:+221771234567", source="781234567", expires_at=NOW, give_up_after=NOW, is_renewable=True,
)  # fmt: skip
# Every code of the documents with its status, and what follows.
DOCUMENTED = {
    "400": "20:review 21:review 22:review 23:review 24:review 25:review 26:review 27:review 28:review "
    "2000:final 2001:final 2010:stop 2011:stop 2012:stop 2013:stop 2020:hold 2021:hold 2022:review 2023:final "
    "2024:review 2025:final 2030:final 2031:hold 2040:review 2041:review 2042:review 2043:final 2050:review "
    "2051:review 2052:review 4003:retry 4004:review 4099:review",
    "401": "10:stop",
    "403": "11:stop",
    "404": "60:review",
    "405": "61:review",
    "429": "9:unknown",
    "500": "50:unknown 51:unknown 1:unknown",
    "502": "2:unknown",
    "503": "5:unknown",
}
CASES = [(int(status), *case.split(":")) for status, cases in DOCUMENTED.items() for case in cases.split()]


def row(**changes: Any) -> dict[str, Any]:
    """Return a transaction as a search lists it."""
    listed: dict[str, Any] = {
        "amount": {"value": Decimal("7960.0"), "unit": "XOF"}, "requestDate": "2026-03-04T10:00:01.379Z",
        "reference": REFERENCE, "metadata": {"notification.dispatched": "true"}, "receiveNotification": True,
        "partner": {"id": "781234567", "idType": "MSISDN", "walletType": "PRINCIPAL"},
        "customer": {"id": "771234567", "idType": "MSISDN", "walletType": "PRINCIPAL"}, "type": "CASHIN",
        "transactionId": TRANSACTION, "createdAt": "2026-03-04T10:00:01.379Z", "status": "SUCCESS",
        "updatedAt": "2026-03-04T10:00:03.210Z", "channel": "API",
    }  # fmt: skip
    return listed | changes


# Errors


@pytest.mark.parametrize(("status", "code", "expected"), CASES)
def test_outcome_of_every_documented_error(status: int, code: str, expected: str) -> None:
    outcome = outcome_of_refusal(CallRefused(status, code))

    if expected == "unknown":
        assert isinstance(outcome, Unknown)
        assert (outcome.seen, outcome.suspect, outcome.is_refusal) == (False, False, False)
        assert outcome.reason == ("pending" if code == "51" else "error-answered")
    else:
        assert isinstance(outcome, Refused)
        assert outcome.failure == FailureClass(expected)
    assert outcome.evidence == {"http_status": status, "code": code}


def test_table_has_the_documented_codes_and_no_other() -> None:
    assert set(REFUSALS) | UNKNOWN == {(status, code) for status, code, _ in CASES}
    assert not set(REFUSALS) & UNKNOWN


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, ""), (400, "2099"), (409, ""), (409, "2000"), (500, "2021"), (500, ""), (503, "2000"), (404, ""), (401, ""),
     (418, "1"), (302, ""), (429, ""), (404, "2000"), (200, "2000")],
)  # fmt: skip
def test_error_that_is_not_documented_is_unknown(status: int, code: str) -> None:
    outcome = outcome_of_refusal(CallRefused(status, code))

    assert isinstance(outcome, Unknown)
    assert (outcome.reason, outcome.seen, outcome.suspect) == ("error-answered", False, False)


def test_only_our_credentials_stop_the_rail_and_only_the_recipients_own_reasons_are_final() -> None:
    by_failure: dict[FailureClass, set[str]] = {}
    for refusal in REFUSALS.values():
        by_failure.setdefault(refusal.failure, set()).add(refusal.reason)

    assert by_failure == {
        FailureClass.FINAL: {"recipient-unknown", "recipient-full", "recipient-barred"},
        FailureClass.HOLD: {"float-short"},
        FailureClass.STOP: {"credentials-refused"},
        FailureClass.RETRY: {"pin-not-decrypted"},
        FailureClass.REVIEW: {"not-allowed", "request-not-accepted", "address-not-known"},
    }


# The answer to a cash-in


def answer(**changes: Any) -> dict[str, Any]:
    facts = {
        "transactionId": TRANSACTION, "status": "SUCCESS", "reference": REFERENCE, "requestId": "1234.5678.91023",
        "description": "paid to Awa Diop",
    }  # fmt: skip
    return facts | changes


def test_answer_of_success_is_paid_at_a_cost_that_is_not_stated() -> None:
    evidence = {"transaction_id": TRANSACTION, "status": "SUCCESS", "request_id": "1234.5678.91023"}

    assert outcome_of_answer(answer(), ORDER) == Succeeded(TRANSACTION, xof(7_960), None, evidence=evidence)


@pytest.mark.parametrize("status", PENDING)
def test_answer_that_is_not_final_is_pending(status: str) -> None:
    outcome = outcome_of_answer(answer(status=status), ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.reason, outcome.seen, outcome.suspect) == ("pending", True, False)


@pytest.mark.parametrize("status", FAILED)
def test_answer_of_failure_needs_a_person(status: str) -> None:
    outcome = outcome_of_answer(answer(status=status), ORDER)

    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.failure) == ("transaction-failed", FailureClass.REVIEW)


@pytest.mark.parametrize(
    "changes", [{"status": "DONE"}, {"status": None}, {"status": "success"}, {"transactionId": "1"}]
)
def test_answer_that_is_not_documented_is_unknown(changes: dict[str, Any]) -> None:
    outcome = outcome_of_answer(answer(**changes), ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.reason, outcome.seen, outcome.suspect) == ("status-unknown", False, False)


def test_answer_about_another_reference_is_suspect() -> None:
    outcome = outcome_of_answer(answer(reference="another"), ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.reason, outcome.suspect) == ("another-payment", True)


# What a search lists


def test_listed_success_is_paid_with_the_amount_and_the_moment_that_are_listed() -> None:
    outcome = outcome_of_rows([row()], ORDER)

    assert isinstance(outcome, Succeeded)
    assert (outcome.proof, outcome.amount, outcome.cost) == (TRANSACTION, xof(7_960), None)
    assert outcome.started_at == datetime(2026, 3, 4, 10, 0, 1, 379_000, tzinfo=UTC)
    assert outcome.evidence == {
        "transactions": [
            {
                "transaction_id": TRANSACTION, "status": "SUCCESS", "type": "CASHIN", "paid_amount": "7960.0",
                "paid_currency": "XOF", "phone": "+22177•••••67", "created_at": "2026-03-04T10:00:01.379Z",
                "updated_at": "2026-03-04T10:00:03.210Z",
            }
        ]
    }  # fmt: skip


@pytest.mark.parametrize("others", [[*FAILED], [*PENDING], ["FAILED", "PENDING"]])
def test_success_decides_among_several_transactions(others: list[str]) -> None:
    rows = [
        row(transactionId=f"CI260304.1000.C5850{number}", status=one) for number, one in enumerate(others)
    ]

    assert isinstance(outcome_of_rows([*rows, row(transactionId="CI260304.1000.D58502")], ORDER), Succeeded)


def test_transaction_that_is_listed_on_two_pages_is_one() -> None:
    assert isinstance(outcome_of_rows([row(), row()], ORDER), Succeeded)


def test_two_successes_are_paid_twice() -> None:
    outcome = outcome_of_rows([row(), row(transactionId="CI260304.1001.C58502")], ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.reason, outcome.seen, outcome.suspect) == ("paid-twice", True, True)


@pytest.mark.parametrize("status", [*PENDING, "NEW", None])
def test_transaction_that_is_not_final_or_not_known_may_still_be_paid(status: str | None) -> None:
    rows = [row(status="FAILED", transactionId="CI260304.1001.C58502"), row(status=status)]
    outcome = outcome_of_rows(rows, ORDER)

    assert isinstance(outcome, Unknown)
    assert (outcome.reason, outcome.seen, outcome.suspect) == (
        "pending" if status in PENDING else "status-unknown", True, False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"value": Decimal("7960.5"), "unit": "XOF"}}, {"amount": {"value": 7_961, "unit": "XOF"}},
        {"amount": {"value": 7_960, "unit": "EUR"}}, {"amount": None}, {"customer": {"id": "771234568"}},
        {"customer": None}, {"type": "MERCHANT_PAYMENT"}, {"transactionId": "short"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [SUCCESS, "PENDING"])
def test_transaction_that_is_not_the_ordered_one_is_suspect(changes: dict[str, Any], status: str) -> None:
    outcome = outcome_of_rows([row(status=status, **changes)], ORDER)

    if status == "PENDING" and "transactionId" in changes:
        assert isinstance(outcome, Unknown)
        return
    assert isinstance(outcome, Unknown)
    assert (outcome.suspect, outcome.seen) == (True, True)


@pytest.mark.parametrize("value", [7_960, Decimal("7960.0"), "7960", "7960.0"])
def test_amount_is_read_however_it_is_written(value: object) -> None:
    assert isinstance(outcome_of_rows([row(amount={"value": value, "unit": "XOF"})], ORDER), Succeeded)


def test_customer_is_read_with_and_without_the_country_code() -> None:
    assert isinstance(outcome_of_rows([row(customer={"id": "221771234567"})], ORDER), Succeeded)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("2025", ("recipient-full", FailureClass.FINAL)), ("2021", ("float-short", FailureClass.HOLD)),
        *((text, ("transaction-failed", FailureClass.REVIEW)) for text in ("2011", "Client Diop absent", None)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", FAILED)
def test_failed_transaction_says_why_by_a_code_or_needs_a_person(
    status: str, reason: str | None, expected: tuple[str, FailureClass]
) -> None:
    outcome = outcome_of_rows([row(status=status, statusReason=reason)], ORDER)

    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.failure) == expected
    assert "Diop" not in repr(outcome)


@pytest.mark.parametrize(
    ("text", "is_id"),
    [(TRANSACTION, True), ("MP260909.1002.A34169", True), (f"{TRANSACTION}1", False), ("", False), (None, False),
     ("CI260304.1000.C5850 ", False)],
)  # fmt: skip
def test_id_of_a_transaction_has_twenty_characters(text: object, is_id: bool) -> None:
    assert is_transaction_id(text) == is_id


def test_order_is_found_after_its_phone_was_erased() -> None:
    found = outcome_of_rows([row()], replace(ORDER, payload=""))

    assert isinstance(found, Succeeded)
    assert found.proof == TRANSACTION
