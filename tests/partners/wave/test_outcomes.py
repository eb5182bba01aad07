"""What each answer of Wave about a payout means. Amounts: whole francs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.types import xof
from partners.wave.outcomes import FAILURES, PASSING, outcome_of_call, outcome_of_payout, outcome_of_rows
from partners.wire import Answer
from tests.partners.wave.answers import (
    FAILED,
    PAYOUT,
    PAYOUT_IN_SHORT,
    PHONE,
    PROCESSING,
    REFERENCE,
    UNDER_ERROR,
    UNDER_ERROR_CODE,
    WITH_DETAILS,
    WITH_INDEX,
    Row,
)
from transfers.enums import FailureClass
from transfers.types import Order, Refused, Reversed, Succeeded, Unknown

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ORDER = Order(
    rail="wave", reference=REFERENCE, payload=json.dumps({"mobile": PHONE}), amount=xof(983), cost_limit=xof(120),
    payee=f"phone:{PHONE}", source="wave:sn-main", expires_at=NOW, give_up_after=NOW, is_renewable=True,
)  # fmt: skip
# By Wave's page of payouts, as of 2024-03; 401 and 403 are those of all its APIs.
DOCUMENTED = {
    "country-mismatch": FailureClass.FINAL,
    "recipient-minor": FailureClass.FINAL,
    "recipient-account-blocked": FailureClass.FINAL,
    "recipient-account-inactive": FailureClass.FINAL,
    "recipient-limit-exceeded": FailureClass.FINAL,
    "insufficient-funds": FailureClass.HOLD,
    "missing-auth-header": FailureClass.STOP,
    "invalid-auth": FailureClass.STOP,
    "api-key-not-provided": FailureClass.STOP,
    "no-matching-api-key": FailureClass.STOP,
    "api-key-revoked": FailureClass.STOP,
    "invalid-wallet": FailureClass.STOP,
    "disabled-wallet": FailureClass.STOP,
    "currency-mismatch": FailureClass.REVIEW,
    "invalid-aggregated-merchant-id": FailureClass.REVIEW,
    "aggregated-merchant-required": FailureClass.REVIEW,
    "not-found": FailureClass.REVIEW,
    "request-not-json": FailureClass.REVIEW,
    "request-parsing-error": FailureClass.REVIEW,
    "request-validation-error": FailureClass.REVIEW,
}
# By integrators only: the answer to an unsigned call with a key that signs.
REPORTED = {"missing-signature": FailureClass.STOP}
OPEN = ("too-many-requests", "internal-server-error", "service-unavailable")


def answer(status: int, body: Any) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, "application/json", text)


def call(status: int, body: Any) -> Any:
    return outcome_of_call(answer(status, body), ORDER)


def test_every_documented_code_is_in_the_table() -> None:
    assert dict(FAILURES) == {**DOCUMENTED, **REPORTED}
    assert PASSING == OPEN


@pytest.mark.parametrize("code", FAILURES)
@pytest.mark.parametrize("name", ["code", "error", "error_code"])
def test_call_that_is_refused_proves_that_nothing_was_paid(code: str, name: str) -> None:
    found = call(422, {name: code, "message": "Awa Ndiaye, +221771234567"})

    assert found == Refused(code, FAILURES[code], {"http_status": 422, "code": code}, is_recorded=False)


@pytest.mark.parametrize("code", FAILURES)
def test_payout_that_failed_is_refused_for_its_reason(code: str) -> None:
    found = outcome_of_payout({**FAILED, "payout_error": {"error_code": code, "error_message": "…"}}, ORDER)

    assert isinstance(found, Refused)
    assert (found.reason, found.failure, found.is_recorded) == (code, FAILURES[code], True)
    assert (found.verdict, found.evidence["code"]) == ("pt-1a2b3c4d5e601", code)


@pytest.mark.parametrize("code", OPEN)
def test_payout_that_failed_for_a_passing_reason_is_renewed(code: str) -> None:
    found = outcome_of_payout({**FAILED, "payout_error": {"error_code": code}}, ORDER)

    assert isinstance(found, Refused)
    assert found.failure == FailureClass.RENEW


@pytest.mark.parametrize("error", [{"error_code": "recipient-vanished"}, {}, None, "text"])
def test_payout_that_failed_without_a_known_reason_needs_a_person(error: Any) -> None:
    found = outcome_of_payout({**FAILED, "payout_error": error}, ORDER)

    assert isinstance(found, Refused)
    assert found.failure == FailureClass.REVIEW
    assert found.reason in {"recipient-vanished", "failed-without-reason"}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 302])
@pytest.mark.parametrize("code", [*FAILURES, *OPEN, ""])
def test_status_that_may_hide_a_payment_is_unknown(status: int, code: str) -> None:
    found = call(status, {"code": code})

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect) == (False, False)


@pytest.mark.parametrize("code", OPEN)
@pytest.mark.parametrize("status", [400, 409, 422])
def test_code_that_may_pass_is_unknown_with_any_status(code: str, status: int) -> None:
    assert isinstance(call(status, {"code": code}), Unknown)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_key_of_another_body_contradicts_our_records(status: int) -> None:
    found = call(status, {"code": "idempotency-mismatch", "message": "…"})

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect, found.is_refusal) == (True, True, False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 422])
def test_code_that_is_not_documented_needs_a_person(status: int) -> None:
    found = call(status, {"code": "sun-in-eclipse"})

    assert isinstance(found, Refused)
    assert (found.failure, found.is_recorded) == (FailureClass.REVIEW, False)


def test_conflict_that_is_not_documented_is_unknown() -> None:
    assert isinstance(call(409, {"code": "request-in-progress"}), Unknown)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422])
@pytest.mark.parametrize("body", [b"", b"<html>", [], {}, {"code": 7}, {"code": "+221771234567"}])
def test_error_without_a_code_is_unknown(status: int, body: Any) -> None:
    found = call(status, body)

    assert isinstance(found, Unknown)
    assert found.evidence == {"http_status": status, "code": ""}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"paid"', b'{"id": NaN}'])
def test_success_without_an_object_is_unknown(body: bytes) -> None:
    found = call(200, body)

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect, found.reason) == (False, False, "no-answer")


@pytest.mark.parametrize("row", [PAYOUT, PAYOUT_IN_SHORT])
def test_payout_that_succeeded_is_paid(row: Row) -> None:
    found = call(200, row)

    assert found == Succeeded("pt-1a2b3c4d5e601", xof(983), xof(9), evidence=found.evidence)


@pytest.mark.parametrize("fee", ["", "9.5", "free", True, [9]])
def test_payout_with_an_unreadable_fee_needs_a_person(fee: Any) -> None:
    found = call(200, {**PAYOUT, "fee": fee})

    assert isinstance(found, Unknown)
    assert (found.suspect, found.reason) == (True, "unreadable-answer")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"receive_amount": "984"}, "another-amount"),
        ({"receive_amount": "9830"}, "another-amount"),
        ({"receive_amount": None}, "unreadable-answer"),
        ({"receive_amount": "983.5"}, "unreadable-answer"),
        ({"currency": "GMD"}, "another-currency"),
        ({"currency": None}, "another-currency"),
        ({"mobile": "+221771234568"}, "another-phone"),
        ({"mobile": None}, "another-phone"),
        ({"client_reference": "another"}, "another-reference"),
    ],
)
@pytest.mark.parametrize("row", [PAYOUT, PROCESSING, FAILED, {**PAYOUT, "status": "reversed"}])
def test_payout_that_is_not_the_ordered_one_contradicts(row: Row, changes: Row, reason: str) -> None:
    found = outcome_of_payout({**row, **changes}, ORDER)

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect, found.reason) == (True, True, reason)


@pytest.mark.parametrize("mobile", ["221771234567", "+221 77 123 45 67"])
def test_phone_in_another_spelling_is_the_same(mobile: str) -> None:
    assert isinstance(call(200, {**PAYOUT, "mobile": mobile}), Succeeded)


@pytest.mark.parametrize("status", ["held", "SUCCEEDED", "", None, 1])
def test_status_that_is_not_documented_is_unknown_and_never_paid(status: Any) -> None:
    found = call(200, {**PAYOUT, "status": status})

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect, found.reason) == (True, False, "status-unknown")


def test_payout_under_way_is_unknown() -> None:
    found = call(200, PROCESSING)

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect, found.reason) == (True, False, "processing")


def test_payout_given_back_is_reversed_when_asked_about_and_unknown_to_a_send() -> None:
    row = {**PAYOUT, "status": "reversed"}

    found = outcome_of_payout(row, ORDER)
    assert isinstance(found, Reversed)
    assert (found.reference, found.amount) == ("pt-1a2b3c4d5e601", xof(983))
    assert found.returned_cost == xof(int(PAYOUT["fee"]))
    assert isinstance(call(200, row), Unknown)


def test_newest_refusal_counts_among_several() -> None:
    newest = {**FAILED, "id": "pt-2", "timestamp": "2026-03-04T10:00:02Z"}

    for rows in ([FAILED, newest], [newest, FAILED]):
        found = outcome_of_rows(rows, ORDER)
        assert isinstance(found, Refused)
        assert found.verdict == "pt-2"


def test_no_payout_is_no_outcome() -> None:
    assert outcome_of_rows([], ORDER) is None


@pytest.mark.parametrize(
    "body", [PAYOUT, FAILED, PROCESSING, WITH_DETAILS, WITH_INDEX, UNDER_ERROR, UNDER_ERROR_CODE]
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_evidence_has_no_name_phone_or_text_of_wave(body: Row, status: int) -> None:
    found = repr(call(status, body))

    for canary in ("771234567", "Ndiaye", "1751190000000", "mobile number", "monthly"):
        assert canary not in found
