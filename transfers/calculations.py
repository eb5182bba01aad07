"""What a payment under review waits for, in words for the platform."""

HAPPENED = {
    "payment-vanished": "The outside no longer knows a payment that was under way, or another node answered.",
    "answer-contradicts-records": "The outside says that it was paid, but not as we ordered it.",
    "last-order-in-doubt": "Of the last order the outside says neither that it was paid nor that it was refused.",
    "paid-before": "An earlier order for the same subject was paid after all.",
}
WAITS_FOR_OUTCOME = (
    "Nothing more is sent. It waits until the outside tells the outcome, or until two people have decided it."
)
WAITS_FOR_PERSON = "Nothing is under way. It waits for a person to retry it or to cancel it."


def review_message(code: str, message: str, *, is_open: bool) -> str:
    """Say why a payment is under review and what it waits for; `is_open`: it may still be paid outside."""
    happened = HAPPENED.get(code) or f"It was not paid ({message or code or 'no reason known'})."
    return f"{happened} {WAITS_FOR_OUTCOME if is_open else WAITS_FOR_PERSON}"
