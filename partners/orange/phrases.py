"""What the codes of Orange Money and the facts of its payments are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Any] = {
    # Why Orange does not pay
    "recipient-full": _("recipient’s account is full"),
    "recipient-barred": _("recipient’s account is not allowed to receive"),
    "float-short": _("our account holds too little"),
    "credentials-refused": _("our key or PIN is refused"),
    "pin-not-decrypted": _("our PIN cannot be decrypted"),
    "not-allowed": _("not allowed"),
    "request-not-accepted": _("the request is not accepted as it is"),
    "address-not-known": _("the address of the call is not known"),
    "transaction-failed": _("transaction failed"),
    # Why a phone cannot receive
    "no-account": _("no account"),
    "suspended": _("suspended"),
    "barred": _("barred"),
    # Answers that prove neither
    "error-answered": _("error without a meaning for the payment"),
    "status-unknown": _("unknown status"),
    "without-proof": _("paid, without the id of a transaction"),
}
FACTS: dict[str, Any] = {
    "http_status": _("HTTP status"),
    "fields": _("fields"),
    "transactions": _("transactions"),
    "transaction_id": _("transaction id"),
    "status_reason": _("reason of the status"),
    "request_id": _("request id"),
    "paid_amount": _("amount paid"),
    "paid_currency": _("currency paid"),
    "created_at": _("created at"),
    "updated_at": _("updated at"),
    "searched_from": _("searched from"),
    "answered": _("answered"),
    "found": _("found"),
}
