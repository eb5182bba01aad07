"""Answers in the shapes of Wave's pages, with values of our own. Amounts: whole francs as text."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
REFERENCE = "0b7f3c1e-53c9-4f0a-9a7e-2f4f6f0f6a11"
PHONE = "+221771234567"
# As answered to a payout that was asked for without a reference.
PAYOUT_IN_SHORT: Row = {
    "id": "pt-1a2b3c4d5e601", "currency": "XOF", "receive_amount": "983", "fee": "9", "mobile": PHONE,
    "name": "Awa Ndiaye", "status": "succeeded", "timestamp": "2026-03-04T10:00:01Z",
}  # fmt: skip
PAYOUT: Row = {
    **PAYOUT_IN_SHORT, "national_id": "1751190000000", "client_reference": REFERENCE,
    "payment_reason": "Paiement SunuSav 7", "aggregated_merchant_id": "am-7lks22ap113t4",
}  # fmt: skip
PROCESSING: Row = {name: value for name, value in {**PAYOUT, "status": "processing"}.items() if name != "fee"}
FAILED: Row = {
    **PAYOUT,
    "status": "failed",
    "payout_error": {
        "error_code": "recipient-limit-exceeded",
        "error_message": "Awa Ndiaye has reached their monthly limit.",
    },
}
FOUND: Row = {"result": [PAYOUT]}
NOT_FOUND: Row = {"result": []}
# The four shapes of an error.
WITH_DETAILS: Row = {
    "code": "request-validation-error",
    "message": "Request invalid",
    "details": [{"loc": ["mobile"], "msg": "+221771234567 is no mobile number", "type": "value_error"}],
}
WITH_INDEX: Row = {
    "code": "request-validation-error",
    "message": "Request invalid",
    "details": [{"loc": ["payments", 1, "mobile"], "msg": "field required"}],
}
UNDER_ERROR: Row = {"error": "request-validation-error", "message": "Invalid phone number."}
UNDER_ERROR_CODE: Row = {
    "error_code": "insufficient-funds",
    "error_message": "Insufficient funds in wallet.",
}
SESSION: Row = {
    "id": "cos-1a2b3c4d5e601", "amount": "913", "checkout_status": "open", "client_reference": REFERENCE,
    "currency": "XOF", "error_url": "https://money.example/partners/wave/done",
    "success_url": "https://money.example/partners/wave/done", "last_payment_error": None,
    "business_name": "SunuSàv", "payment_status": "processing",
    "wave_launch_url": "https://pay.wave.example/c/cos-1a2b3c4d5e601", "when_completed": None,
    "when_created": "2026-03-04T10:00:00Z", "when_expires": "2026-03-05T10:00:00Z",
}  # fmt: skip
PAID_SESSION: Row = {
    **SESSION, "checkout_status": "complete", "payment_status": "succeeded", "transaction_id": "TCN4Y4ZC000",
    "when_completed": "2026-03-04T10:05:00Z",
}  # fmt: skip
BALANCE: Row = {"amount": "10245", "currency": "XOF"}
TRANSACTIONS: Row = {
    "page_info": {"start_cursor": None, "end_cursor": "opaque", "has_next_page": True},
    "date": "2026-03-04",
    "items": [
        {
            "timestamp": "2026-03-04T09:41:15Z", "transaction_id": "T_V3TFOUE7VU",
            "transaction_type": "merchant_payment", "amount": "99", "fee": "1", "balance": "10344", "currency": "XOF",
            "counterparty_name": "Mame Diop", "counterparty_mobile": "+221761110000",
        },
        {
            "timestamp": "2026-03-04T10:00:01Z", "transaction_id": "T_1", "transaction_type": "api_payout",
            "amount": "-992", "fee": "9", "balance": "9352", "currency": "XOF", "is_reversal": False,
            "counterparty_name": "Awa Ndiaye", "counterparty_mobile": PHONE, "client_reference": REFERENCE,
            "government_tax_amount": "0", "government_tax_paid_by_wave": "0",
        },
    ],
}  # fmt: skip
VERIFIED: Row = {"within_limits": True, "name_match": "MATCH", "national_id_match": "MATCH"}
