"""Refusals in words: what is the matter and what to do next. The codes are those of the API's problem pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sunusav.backoffice.facts import moment, say_known
from sunusav.backoffice.refusal_texts import TEXTS
from sunusav.core.errors import DomainError


@dataclass(frozen=True)
class Told:
    """A refusal for a person."""

    code: str
    sentence: str
    next: str

    @property
    def text(self) -> str:
        """Everything in one line; the code is what colleagues can search for."""
        return " ".join(part for part in (self.sentence, self.next, f"[{self.code}]") if part)


def told(refusal: DomainError) -> Told:
    """Put a refusal into words; one without words of its own is told by its name and facts."""
    sentence, following = TEXTS.get(refusal.code, (None, None))
    if sentence is None:
        return Told(refusal.code, _by_name(refusal), "")
    return Told(refusal.code, _filled(sentence, refusal), _filled(following, refusal))


def _filled(text: Any, refusal: DomainError) -> str:
    return str(text) % {name: _fact(value) for name, value in refusal.facts.items()}


def _fact(value: object) -> object:
    if isinstance(value, datetime):
        return moment(value)
    return say_known(value) if isinstance(value, str) and value.islower() else value


def _by_name(refusal: DomainError) -> str:
    name = refusal.code.replace("-", " ").capitalize()
    facts = ", ".join(f"{key}={value}" for key, value in refusal.facts.items())
    return f"{name} ({facts})." if facts else f"{name}."
