"""Failures of payouts and withdrawal links as text."""

from typing import Any

from sunusav.api.answers import OptionalTextField
from sunusav.core import phrasing
from transfers.types import Failure


class FailureTextField(OptionalTextField):
    """Why a payout or a withdrawal link failed, waits or is under review; clients decide by the code beside it."""

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]  # see OptionalTextField
        return failure_text(value) or None


def failure_text(failure: Failure) -> str:
    """Phrase a failure; of a payment under review, also what it waits for."""
    if not failure.waits_for:
        return phrasing.reason(failure.code, failure.facts) if failure.code else ""
    happened = phrasing.sentence(failure.code, failure.facts) or _refused(failure.code)
    return f"{happened} {phrasing.reason(failure.waits_for, {})}"


def _refused(code: str) -> str:
    return phrasing.reason("not-paid-because", {"why": phrasing.code_label(code) if code else "?"})
