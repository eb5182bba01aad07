"""The table from Wave's answers about a payout to outcomes. What it does not list is unknown or needs a person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from ledger.types import Money, xof
from partners.wave.client import CURRENCY, Row, code_of, francs_of
from partners.wire import Answer, AnswerLost
from sunusav.core import clock
from sunusav.core.privacy import mask_phone
from transfers.enums import FailureClass
from transfers.types import FindOutcome, Order, Refused, Reversed, SendOutcome, Succeeded, Unknown

_F = FailureClass
# Every code of Wave's pages that says why a payout is not made, whether as an error or inside a failed payout.
FAILURES: Mapping[str, FailureClass] = MappingProxyType({
    # The recipient's wallet
    "recipient-minor": _F.FINAL,
    "recipient-account-blocked": _F.FINAL,
    "recipient-account-inactive": _F.FINAL,
    "recipient-limit-exceeded": _F.FINAL,
    "country-mismatch": _F.FINAL,
    # Our wallet holds too little for the amount and the fee
    "insufficient-funds": _F.HOLD,
    # Our key or wallet
    "missing-auth-header": _F.STOP,
    "invalid-auth": _F.STOP,
    "api-key-not-provided": _F.STOP,
    "no-matching-api-key": _F.STOP,
    "api-key-revoked": _F.STOP,
    "missing-signature": _F.STOP,
    "invalid-wallet": _F.STOP,
    "disabled-wallet": _F.STOP,
    # What we ask for is wrong
    "currency-mismatch": _F.REVIEW,
    "invalid-aggregated-merchant-id": _F.REVIEW,
    "aggregated-merchant-required": _F.REVIEW,
    "not-found": _F.REVIEW,
    "request-not-json": _F.REVIEW,
    "request-parsing-error": _F.REVIEW,
    "request-validation-error": _F.REVIEW,
})  # fmt: skip
# As an answer to a call these leave open whether it paid; inside a payout that failed they are reasons that may pass.
PASSING = ("too-many-requests", "internal-server-error", "service-unavailable")
# 409 without a code of ours may mean that the same key is being worked on.
OPEN_STATUSES = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)
KEY_USED_OTHERWISE = "idempotency-mismatch"
SUCCEEDED, PROCESSING, FAILED, REVERSED = "succeeded", "processing", "failed", "reversed"
SHOWN = ("id", "status", "currency", "receive_amount", "fee", "timestamp")
LONGEST_SHOWN = 64


def is_credentials(code: str) -> bool:
    """Return whether a code means that our key or wallet is refused."""
    return FAILURES.get(code) is FailureClass.STOP


def outcome_of_call(answer: Answer, order: Order) -> SendOutcome:
    """Translate the answer to a send. Only an error that Wave documents as final proves that nothing was paid."""
    if answer.is_success:
        return _outcome_of_success(answer, order)
    code = code_of(answer.row_or_empty())
    evidence = {"http_status": answer.status, "code": code}
    if code == KEY_USED_OTHERWISE:
        return Unknown(seen=True, reason=code, suspect=True, evidence=evidence)
    is_client_error = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not is_client_error or not code or code in PASSING or _is_open(answer.status, code):
        return Unknown(seen=False, reason=code or "no-answer", evidence=evidence)
    return Refused(code, FAILURES.get(code, _F.REVIEW), evidence, is_recorded=False)


def _is_open(status: int, code: str) -> bool:
    return status in OPEN_STATUSES and not (status == HTTPStatus.CONFLICT and code in FAILURES)


def _outcome_of_success(answer: Answer, order: Order) -> SendOutcome:
    try:
        found = outcome_of_payout(answer.row(), order)
    except AnswerLost as error:
        return Unknown(seen=False, reason="no-answer", evidence=error.evidence)
    if isinstance(found, Reversed):
        return Unknown(seen=True, reason=REVERSED, evidence=found.evidence)
    return found


def outcome_of_rows(rows: Sequence[Row], order: Order) -> FindOutcome | None:
    """Translate the payouts with the order's reference; None for none. A paid one counts, two need a person."""
    paid = [row for row in rows if row.get("status") == SUCCEEDED]
    if len(paid) > 1:
        ids = [_text(row.get("id")) for row in paid]
        return Unknown(seen=True, reason="paid-twice", suspect=True, evidence={"payouts": ids})
    ranked = [
        *paid,
        *(row for row in rows if row.get("status") not in (SUCCEEDED, FAILED, REVERSED)),
        *(row for row in rows if row.get("status") == REVERSED),
        *sorted((row for row in rows if row.get("status") == FAILED), key=_age, reverse=True),
    ]
    return outcome_of_payout(ranked[0], order) if ranked else None


def outcome_of_payout(row: Row, order: Order) -> Succeeded | Refused | Unknown | Reversed:
    """Translate one payout. One of another amount, currency, phone or reference is not ours: people must decide."""
    evidence = evidence_of(row)
    if difference := _difference(row, order):
        return Unknown(seen=True, reason=difference, suspect=True, evidence=evidence)
    match row.get("status"):
        case "succeeded":
            return _paid(row, order, evidence)
        case "failed":
            code = code_of(row)
            failure = _F.RENEW if code in PASSING else FAILURES.get(code, _F.REVIEW)
            return Refused(code or "failed-without-reason", failure, evidence, verdict=_text(row.get("id")))
        case "reversed":
            return _given_back(row, order, evidence)
        case "processing":
            return Unknown(seen=True, reason=PROCESSING, evidence=evidence)
        case _:
            return Unknown(seen=True, reason="status-unknown", evidence=evidence)


def evidence_of(row: Row) -> dict[str, Any]:
    """Return what may be stored of a payout: no name, no identity number, the phone masked."""
    shown = {name: _text(row[name]) for name in SHOWN if row.get(name) is not None}
    if isinstance(row.get("mobile"), str):
        shown["phone"] = mask_phone(row["mobile"])
    if code := code_of(row):
        shown["code"] = code
    return shown


def _paid(row: Row, order: Order, evidence: dict[str, Any]) -> Succeeded | Unknown:
    """Return the payment with its fee, which Wave states and which is never computed."""
    try:
        cost = _fee_in(row)
    except ValueError:
        return Unknown(seen=True, reason="unreadable-answer", suspect=True, evidence=evidence)
    return Succeeded(_text(row.get("id")), order.amount, cost, evidence)


def _given_back(row: Row, order: Order, evidence: dict[str, Any]) -> Reversed | Unknown:
    """Return the payment as given back, with its fee.

    Wave does not say when: it is at the latest now, and at most three days after the payout.
    """
    try:
        fee = _fee_in(row)
    except ValueError:
        return Unknown(seen=True, reason="unreadable-answer", suspect=True, evidence=evidence)
    return Reversed(_text(row.get("id")), order.amount, clock.now(), evidence, fee)


def _fee_in(row: Row) -> Money | None:
    fee = row.get("fee")
    return None if fee is None else xof(francs_of(fee))


def _difference(row: Row, order: Order) -> str:
    """Return in what a payout is not the ordered one; "" if it is."""
    if row.get("currency") != CURRENCY:
        return "another-currency"
    try:
        amount = francs_of(row.get("receive_amount"))
    except ValueError:
        return "unreadable-answer"
    if amount != order.amount.amount:
        return "another-amount"
    if row.get("client_reference") not in (None, order.reference):
        return "another-reference"
    phone = phone_in(order)
    return "another-phone" if phone and _digits(row.get("mobile")) != _digits(phone) else ""


def phone_in(order: Order) -> str:
    """Return the phone that an order pays; "" once its payload was erased."""
    try:
        sent = json.loads(order.payload)
    except ValueError:
        return ""
    return str(sent.get("mobile", "")) if isinstance(sent, dict) else ""


def _digits(phone: object) -> str:
    return "".join(character for character in str(phone) if character.isdigit())


def _age(row: Row) -> str:
    return _text(row.get("timestamp"))


def _text(value: object) -> str:
    return str(value if isinstance(value, str | int) else "")[:LONGEST_SHOWN]
