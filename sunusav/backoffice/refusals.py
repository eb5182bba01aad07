"""Refusals as the back office shows them, with the same codes as the API's problem documents."""

from datetime import datetime
from typing import Any

from sunusav.backoffice.facts import moment, show_code_or_text, value_of
from sunusav.core import phrasing
from sunusav.core.errors import DomainError
from sunusav.core.phrasing import RefusalPhrase


def show_refusal(refusal: DomainError) -> RefusalPhrase:
    """Phrase a refusal in the reader's language, its facts shown as elsewhere in the back office."""
    return phrasing.refusal_phrase(refusal, show=show_fact)


def show_reason(code: str, facts: dict[str, Any]) -> str:
    """Phrase why something failed, waits or needs review, its facts shown as elsewhere in the back office."""
    return phrasing.reason(code, facts, show=show_fact) if code else ""


def show_fact(name: str, value: object) -> object:
    """Show a fact in a sentence, as plain text."""
    if isinstance(value, datetime):
        return moment(value)
    # Sentences are plain text: no markup of hashes.
    shown = value if name in phrasing.listed_names("HASHES") else value_of(name, value)
    return show_code_or_text(shown) if isinstance(shown, str) and shown.islower() else shown
