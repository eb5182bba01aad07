"""The table from MTN's answers about a payment to outcomes. What it does not list is unknown or needs a person."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

from ledger.types import Money, xof
from partners.mtn.client import KEY_REFUSED, UNAUTHORIZED, Row, code_of, normal_code
from partners.wire import Answer, whole_francs
from sunusav.core.privacy import mask_phone
from transfers.enums import FailureClass
from transfers.types import Order, Refused, SendOutcome, Succeeded, Unknown

_F = FailureClass
# Why a transfer failed, by the portal's list of reasons. Each is final for its reference: another try takes a new one.
REASONS: Mapping[str, FailureClass] = MappingProxyType({
    # The recipient. The sandbox reports an unknown payee as PAYER_NOT_FOUND.
    "PAYEE_NOT_FOUND": _F.FINAL,
    "PAYER_NOT_FOUND": _F.FINAL,
    "PAYEE_NOT_ALLOWED_TO_RECEIVE": _F.FINAL,
    # Our wallet: too little in it, or as much paid as it may pay
    "NOT_ENOUGH_FUNDS": _F.HOLD,
    "PAYER_LIMIT_REACHED": _F.HOLD,
    # Reasons that may pass
    "SERVICE_UNAVAILABLE": _F.RENEW,
    "EXPIRED": _F.RENEW,
    # Often short funds: the balance decides (`may_be_short`)
    "INTERNAL_PROCESSING_ERROR": _F.RENEW,
    "COULD_NOT_PERFORM_TRANSACTION": _F.RENEW,
    # How we are set up at MTN: nothing goes before a person has changed it
    "NOT_ALLOWED_TARGET_ENVIRONMENT": _F.STOP,
    "INVALID_CALLBACK_URL_HOST": _F.STOP,
    "INVALID_CURRENCY": _F.STOP,
    # Somebody declined or stopped it, or it says nothing that we may act on
    "NOT_ALLOWED": _F.REVIEW,
    "PAYMENT_NOT_APPROVED": _F.REVIEW,
    "APPROVAL_REJECTED": _F.REVIEW,
    "TRANSACTION_CANCELED": _F.REVIEW,
    "RESOURCE_NOT_FOUND": _F.REVIEW,
    "RESOURCE_ALREADY_EXIST": _F.REVIEW,
    "ONGOING": _F.REVIEW,
    "PAYER_DELAYED": _F.REVIEW,
})  # fmt: skip
MAY_BE_SHORT: Final = ("INTERNAL_PROCESSING_ERROR", "COULD_NOT_PERFORM_TRANSACTION")
# Refusals of the call itself, by status and code: nothing was created, and the reference is not known afterwards.
CALL_REFUSALS: Mapping[tuple[int, str], FailureClass] = MappingProxyType({
    (401, UNAUTHORIZED): _F.STOP,
    (401, KEY_REFUSED): _F.STOP,
    (403, "FORBIDDEN_IP"): _F.STOP,
    # It may follow from the payee: a person looks, and other payments go on.
    (500, "NOT_ALLOWED"): _F.REVIEW,
    (500, "NOT_ALLOWED_TARGET_ENVIRONMENT"): _F.STOP,
    (500, "INVALID_CALLBACK_URL_HOST"): _F.STOP,
    (500, "INVALID_CURRENCY"): _F.STOP,
    (500, "NOT_ENOUGH_FUNDS"): _F.HOLD,
    (500, "PAYER_LIMIT_REACHED"): _F.HOLD,
    (500, "PAYEE_NOT_FOUND"): _F.FINAL,
})  # fmt: skip
MALFORMED: Final = "call-malformed"
SUCCESSFUL, FAILED = "SUCCESSFUL", "FAILED"
OPEN_STATES: Mapping[str, str] = MappingProxyType({"PENDING": "pending", "CREATED": "created"})
SHOWN = ("status", "amount", "currency", "financialTransactionId", "externalId")
LONGEST_SHOWN = 64
TRANSACTION = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)


def is_credentials(status: int, code: str) -> bool:
    """Return whether an error means that MTN refuses our access, whatever we ask for."""
    return CALL_REFUSALS.get((status, code)) is _F.STOP


def outcome_of_call(answer: Answer) -> SendOutcome:
    """Translate the answer to a transfer. Only an error that MTN documents as final proves that nothing was created."""
    code = code_of(answer)
    evidence: dict[str, Any] = {"http_status": answer.status, "code": code}
    if answer.status == HTTPStatus.ACCEPTED:
        return Unknown(seen=True, reason="accepted", evidence=evidence)
    if answer.status == HTTPStatus.CONFLICT:
        # An earlier send of ours arrived; its status says whether it was this payment.
        return Unknown(seen=True, reason="reference-taken", evidence=evidence)
    if answer.status == HTTPStatus.BAD_REQUEST and answer.row_or_empty():
        return Refused(MALFORMED, _F.REVIEW, evidence, is_recorded=False)
    failure = CALL_REFUSALS.get((answer.status, code))
    if failure is None:
        return Unknown(seen=False, reason=_reason(code) or "no-answer", evidence=evidence)
    return Refused(_reason(code), failure, evidence, is_recorded=False)


def outcome_of_status(row: Row, order: Order, *, currency: str) -> Succeeded | Refused | Unknown:
    """Translate a status. One of another amount, currency, phone or reference is not ours: people must decide.

    `currency` is that of the target environment. The cost is not stated.
    """
    evidence = evidence_of(row)
    if difference := _difference(row, order, currency):
        return Unknown(seen=True, reason=difference, suspect=True, evidence=evidence)
    status = row.get("status")
    if status == SUCCESSFUL:
        return Succeeded(_proof_in(row, order), _paid(row), None, evidence)
    if status == FAILED:
        code = reason_in(row)
        return Refused(_reason(code) or "failed-without-reason", REASONS.get(code, _F.REVIEW), evidence)
    reason = OPEN_STATES.get(status, "status-unknown") if isinstance(status, str) else "status-unknown"
    return Unknown(seen=True, reason=reason, evidence=evidence)


def may_be_short(row: Row) -> bool:
    """Return whether a failed payment may have failed because our wallet held too little."""
    return row.get("status") == FAILED and reason_in(row) in MAY_BE_SHORT


def reason_in(row: Row) -> str:
    """Return the code of a reason, which is an object, or a text by itself; "" for none."""
    reason = row.get("reason")
    return normal_code(reason.get("code") if isinstance(reason, dict) else reason)


def evidence_of(row: Row) -> dict[str, Any]:
    """Return what may be stored of a status: no name or note, the phone masked."""
    shown = {name: _text(row[name]) for name in SHOWN if row.get(name) is not None}
    party = row.get("payee") or row.get("payer")
    if isinstance(party, dict) and isinstance(party.get("partyId"), str):
        shown["phone"] = mask_phone(party["partyId"])
    if code := reason_in(row):
        shown["code"] = code
    return shown


def phone_in(order: Order) -> str:
    """Return the digits of the phone that an order pays; "" once its payload was erased."""
    try:
        sent = json.loads(order.payload)
        return str(sent["payee"]["partyId"])
    except (ValueError, KeyError, TypeError):
        return ""


def _difference(row: Row, order: Order, currency: str) -> str:
    """Return in what a payment is not the ordered one; "" if it is."""
    if row.get("currency") != currency:
        return "another-currency"
    try:
        amount = _paid(row)
    except ValueError:
        return "unreadable-answer"
    if amount != order.amount:
        return "another-amount"
    if row.get("externalId") not in (None, order.reference):
        return "another-reference"
    payee, phone = row.get("payee"), phone_in(order)
    shown = payee.get("partyId") if isinstance(payee, dict) else None
    return "another-phone" if phone and str(shown).removeprefix("+") != phone else ""


def _paid(row: Row) -> Money:
    """Return the amount of a payment. Raises: ValueError."""
    return xof(whole_francs(row.get("amount")))


def _proof_in(row: Row, order: Order) -> str:
    """Return MTN's number of the transaction; where it states none, our reference, by which it has the payment."""
    number = _text(row.get("financialTransactionId"))
    return number if TRANSACTION.fullmatch(number) else order.reference


def _reason(code: str) -> str:
    return code.lower().replace("_", "-")


def _text(value: object) -> str:
    return str(value if isinstance(value, str | int) else "")[:LONGEST_SHOWN]
