"""What the codes of MTN and the facts of its payments are called."""

from typing import Any

from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Any] = {
    # Why MTN does not pay
    "payee-not-found": _("recipient has no account"),
    "payer-not-found": _("account not found"),
    "payee-not-allowed-to-receive": _("recipient’s account is not allowed to receive"),
    "not-enough-funds": _("our account holds too little"),
    "payer-limit-reached": _("our account may not pay more now"),
    "service-unavailable": _("the partner’s service is unavailable"),
    "internal-processing-error": _("internal error of the partner, often for too little money"),
    "could-not-perform-transaction": _("the partner could not perform the transaction"),
    "not-allowed": _("not allowed"),
    "not-allowed-target-environment": _("not allowed in this country"),
    "invalid-callback-url-host": _("the host for callbacks is not the registered one"),
    "invalid-currency": _("not a currency of our account"),
    "payment-not-approved": _("payment not approved"),
    "approval-rejected": _("approval rejected"),
    "transaction-canceled": _("transaction canceled"),
    "resource-not-found": _("not found by the partner"),
    "resource-already-exist": _("exists already at the partner"),
    "ongoing": _("ongoing"),
    "payer-delayed": _("payer delayed"),
    "failed-without-reason": _("failed without a reason"),
    # Why MTN refuses a call
    "unauthorized": _("our user or key is refused"),
    "invalid-subscription-key": _("our subscription key is refused"),
    "forbidden-ip": _("the address of our server is not registered at the partner"),
    "call-malformed": _("the request is not accepted as it is"),
    # Why a phone cannot receive
    "not-active": _("no active account"),
    # Answers that prove neither
    "accepted": _("accepted, outcome open"),
    "reference-taken": _("taken before, outcome open"),
    "created": _("created, outcome open"),
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
    "financialTransactionId": _("transaction id"),
    "externalId": _("our reference"),
    "available": _("available"),
}
