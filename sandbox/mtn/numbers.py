"""The phones of MTN's sandbox that do not succeed. The same number means another thing in each product.

The codes are those that a live suite received; "" stays open without end.
"""

from types import MappingProxyType

FIRST = 46733123450
TRANSFER = (
    "INTERNAL_PROCESSING_ERROR", "APPROVAL_REJECTED", "EXPIRED", "", "", "COULD_NOT_PERFORM_TRANSACTION",
    "COULD_NOT_PERFORM_TRANSACTION", "PAYER_NOT_FOUND", "NOT_ALLOWED", "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST", "INVALID_CURRENCY", "INTERNAL_PROCESSING_ERROR", "SERVICE_UNAVAILABLE",
)  # fmt: skip
REQUEST = (
    "INTERNAL_PROCESSING_ERROR", "APPROVAL_REJECTED", "EXPIRED", "", "", "PAYER_NOT_FOUND",
    "PAYEE_NOT_ALLOWED_TO_RECEIVE", "NOT_ALLOWED", "NOT_ALLOWED_TARGET_ENVIRONMENT", "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY", "INTERNAL_PROCESSING_ERROR", "SERVICE_UNAVAILABLE", "COULD_NOT_PERFORM_TRANSACTION",
)  # fmt: skip
REASONS = MappingProxyType({
    kind: MappingProxyType({str(FIRST + place): code for place, code in enumerate(codes)})
    for kind, codes in (("transfer", TRANSFER), ("requesttopay", REQUEST))
})  # fmt: skip
