"""What the codes of Wave and the facts of its payouts are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Any] = {
    # Why Wave does not pay
    "recipient-minor": _("recipient is a minor"),
    "recipient-account-blocked": _("recipient’s account is blocked"),
    "recipient-account-inactive": _("recipient’s account is inactive"),
    "recipient-limit-exceeded": _("recipient’s monthly limit is reached"),
    "country-mismatch": _("recipient’s wallet is in another country"),
    "currency-mismatch": _("our wallet has another currency"),
    "insufficient-funds": _("our wallet holds too little"),
    "idempotency-mismatch": _("the same key was used for another payout"),
    "missing-auth-header": _("the call has no key"),
    "invalid-auth": _("the key or signature is not valid"),
    "api-key-not-provided": _("no key was given"),
    "no-matching-api-key": _("no such key"),
    "api-key-revoked": _("the key was revoked"),
    "missing-signature": _("the call is not signed"),
    "invalid-wallet": _("the wallet is not valid"),
    "disabled-wallet": _("our wallet is disabled"),
    "invalid-aggregated-merchant-id": _("no such aggregated merchant"),
    "aggregated-merchant-required": _("an aggregated merchant is required"),
    "request-not-json": _("the request is not JSON"),
    "request-parsing-error": _("the request cannot be read"),
    "request-validation-error": _("the request is not valid"),
    "too-many-requests": _("too many requests"),
    "internal-server-error": _("error of the partner’s server"),
    "service-unavailable": _("the partner’s service is unavailable"),
    "failed-without-reason": _("failed without a reason"),
    # How an answer differs from the order
    "another-amount": _("another amount"),
    "another-currency": _("another currency"),
    "another-phone": _("another phone"),
    "another-reference": _("another reference"),
    "unreadable-answer": _("unreadable answer"),
    "status-unknown": _("unknown status"),
}
FACTS: dict[str, Any] = {
    "http_status": _("HTTP status"),
    "receive_amount": _("amount received"),
    "timestamp": _("time of the call"),
}
