"""The one table from Orange's answers about a payment to outcomes.

A pair of status and code that is not in the table, a status of a transaction that is not known, and every answer of
429 or 5xx are unknown: they prove neither success nor failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ledger.types import xof
from partners.orange.errors import CallRefused
from partners.wire import whole_francs
from sunusav.core.privacy import mask_phone
from transfers.enums import FailureClass
from transfers.types import Order, Refused, Succeeded, Unknown

Row = dict[str, Any]
COUNTRY_CODE: Final = "+221"
# CI<yymmdd>.<hhmm>.<suffix>
TRANSACTION_ID: Final = re.compile(r"[A-Za-z0-9.]{20}")
SUCCESS: Final = "SUCCESS"
FAILED: Final = ("FAILED", "CANCELLED", "REJECTED")
PENDING: Final = ("ACCEPTED", "INITIATED", "PENDING", "PRE_INITIATED")
CASH_IN: Final = "CASHIN"


@dataclass(frozen=True)
class Refusal:
    """What a documented refusal of a cash-in means: it certainly paid nothing."""

    reason: str
    failure: FailureClass


_RECIPIENT_UNKNOWN = Refusal("recipient-unknown", FailureClass.FINAL)
_RECIPIENT_FULL = Refusal("recipient-full", FailureClass.FINAL)
_RECIPIENT_BARRED = Refusal("recipient-barred", FailureClass.FINAL)
_FLOAT_SHORT = Refusal("float-short", FailureClass.HOLD)
_CREDENTIALS = Refusal("credentials-refused", FailureClass.STOP)
# It may be about our account, the amount or the recipient; or it has no meaning for a payment to a phone.
_NOT_ALLOWED = Refusal("not-allowed", FailureClass.REVIEW)
_OURS = Refusal("request-not-accepted", FailureClass.REVIEW)
_ADDRESS = Refusal("address-not-known", FailureClass.REVIEW)
# By HTTP status and code. A new reference may follow only these.
REFUSALS: Final[dict[tuple[int, str], Refusal]] = {
    (400, "2000"): _RECIPIENT_UNKNOWN,
    (400, "2001"): _RECIPIENT_UNKNOWN,
    **{(400, code): _CREDENTIALS for code in ("2010", "2011", "2012", "2013")},
    (400, "2020"): _FLOAT_SHORT,
    (400, "2021"): _FLOAT_SHORT,
    (400, "2022"): _NOT_ALLOWED,
    (400, "2023"): _RECIPIENT_FULL,
    (400, "2024"): _NOT_ALLOWED,
    (400, "2025"): _RECIPIENT_FULL,
    (400, "2030"): _RECIPIENT_FULL,
    (400, "2031"): _FLOAT_SHORT,
    (400, "2040"): _NOT_ALLOWED,
    (400, "2041"): _NOT_ALLOWED,
    (400, "2042"): _NOT_ALLOWED,
    (400, "2043"): _RECIPIENT_BARRED,
    **{(400, code): _NOT_ALLOWED for code in ("2050", "2051", "2052", "4004")},
    # Refused again with the newest public key: the padding is wrong, or the key changed twice.
    (400, "4003"): Refusal("pin-not-decrypted", FailureClass.RETRY),
    (400, "4099"): _OURS,
    **{(400, code): _OURS for code in ("20", "21", "22", "23", "24", "25", "26", "27", "28")},
    (401, "10"): _CREDENTIALS,
    (403, "11"): _CREDENTIALS,
    (404, "60"): _ADDRESS,
    (405, "61"): _ADDRESS,
}
# Documented, and never a refusal. 51: it is pending.
UNKNOWN: Final = {(429, "9"), (500, "1"), (500, "50"), (500, "51"), (502, "2"), (503, "5")}


def outcome_of_refusal(refused: CallRefused) -> Refused | Unknown:
    """Translate an error that answered a cash-in."""
    meant = REFUSALS.get((refused.status, refused.code))
    if meant is not None:
        return Refused(meant.reason, meant.failure, evidence=refused.evidence)
    is_pending = (refused.status, refused.code) == (500, "51")
    reason = "pending" if is_pending else "error-answered"
    return Unknown(seen=False, reason=reason, evidence=refused.evidence)


def are_credentials_refused(refused: CallRefused) -> bool:
    """Return whether an error says that our key, PIN or rights are refused."""
    return REFUSALS.get((refused.status, refused.code)) is _CREDENTIALS


def outcome_of_answer(row: Row, order: Order) -> Succeeded | Refused | Unknown:
    """Translate the answer to a cash-in. It states no amount: that of the order is what Orange was asked to pay."""
    status, evidence = row.get("status"), _evidence(row)
    if row.get("reference", order.reference) != order.reference:
        return Unknown(seen=True, reason="another-payment", suspect=True, evidence=evidence)
    if status == SUCCESS and is_transaction_id(row.get("transactionId")):
        return Succeeded(row["transactionId"], order.amount, None, evidence=evidence)
    if status in FAILED:
        return _failed(row, evidence)
    reason = "pending" if status in PENDING else "status-unknown"
    return Unknown(seen=status in PENDING, reason=reason, evidence=evidence)


def outcome_of_rows(rows: Iterable[Row], order: Order) -> Succeeded | Refused | Unknown:
    """Translate what a search lists under the reference of an order, at least one row.

    Two payments under one reference, or one that differs from the order, need people; else a payment decides, then what
    may still become one.
    """
    distinct = list({str(row.get("transactionId")): row for row in rows}.values())
    evidence = {"transactions": [_evidence(row) for row in distinct]}
    if any(not _is_ordered(row, order) for row in distinct if row.get("status") not in FAILED):
        return Unknown(seen=True, reason="another-payment", suspect=True, evidence=evidence)
    paid = [row for row in distinct if row.get("status") == SUCCESS]
    if len(paid) > 1:
        return Unknown(seen=True, reason="paid-twice", suspect=True, evidence=evidence)
    if paid:
        return _paid(paid[0], evidence)
    may_be_paid = [row for row in distinct if row.get("status") not in FAILED]
    if may_be_paid:
        is_known = all(row.get("status") in PENDING for row in may_be_paid)
        return Unknown(seen=True, reason="pending" if is_known else "status-unknown", evidence=evidence)
    return _failed(distinct[-1], evidence)


def francs_of(row: Row) -> int:
    """Return the amount of a transaction in whole francs. Raises: ValueError, also for another currency."""
    amount = row.get("amount")
    if not isinstance(amount, dict) or amount.get("unit") != "XOF":
        raise ValueError("not an amount in XOF")
    return whole_francs(amount.get("value"))


def moment_of(row: Row, member: str) -> datetime | None:
    """Return a moment of a transaction; None where it is missing or of another form."""
    try:
        found = datetime.fromisoformat(str(row.get(member)))
    except ValueError:
        return None
    return found if found.tzinfo else None


def is_transaction_id(value: object) -> bool:
    """Return whether this can be the id of a transaction."""
    return isinstance(value, str) and TRANSACTION_ID.fullmatch(value) is not None


def _paid(row: Row, evidence: Row) -> Succeeded | Unknown:
    if not is_transaction_id(row.get("transactionId")):
        return Unknown(seen=True, reason="without-proof", suspect=True, evidence=evidence)
    return Succeeded(
        row["transactionId"], xof(francs_of(row)), None, evidence=evidence,
        started_at=moment_of(row, "createdAt"),
    )  # fmt: skip


def _failed(row: Row, evidence: Row) -> Refused:
    """Translate a transaction that failed: by the code that it states as its reason, else people look into it."""
    meant = REFUSALS.get((400, str(row.get("statusReason", ""))))
    if meant is None or meant is _CREDENTIALS:
        return Refused("transaction-failed", FailureClass.REVIEW, evidence=evidence)
    return Refused(meant.reason, meant.failure, evidence=evidence)


def _is_ordered(row: Row, order: Order) -> bool:
    customer = row.get("customer")
    phone = str(customer.get("id", "")) if isinstance(customer, dict) else ""
    try:
        amount = francs_of(row)
    except ValueError:
        return False
    # Without a phone, the data of the person who was paid was erased: the reference alone says which payment it is.
    is_to_payee = not order.payload or order.payload in (f"{COUNTRY_CODE}{phone}", f"+{phone}")
    return is_to_payee and amount == order.amount.amount and row.get("type", CASH_IN) == CASH_IN


def _evidence(row: Row) -> Row:
    """Return what may be stored of a transaction: no phone, no name, no free text."""
    amount, customer = row.get("amount"), row.get("customer")
    found: Row = {
        "transaction_id": _short(row.get("transactionId")), "status": _short(row.get("status")),
        "status_reason": _short(row.get("statusReason")), "type": _short(row.get("type")),
        "request_id": _short(row.get("requestId")), "created_at": _short(row.get("createdAt")),
        "updated_at": _short(row.get("updatedAt")),
    }  # fmt: skip
    if isinstance(amount, dict):
        found |= {"paid_amount": _short(amount.get("value")), "paid_currency": _short(amount.get("unit"))}
    if isinstance(customer, dict):
        found["phone"] = mask_phone(f"{COUNTRY_CODE}{customer.get('id', '')}")
    return {name: value for name, value in found.items() if value}


def _short(value: object) -> str:
    """Return a code, id or moment as text; anything longer or with blanks is free text, and is left out."""
    text = "" if value is None else str(value)
    return text if re.fullmatch(r"[A-Za-z0-9_.:+-]{1,40}", text) else ""
