"""Phrases codes and facts in the reader's language. Rows store codes and facts; sentences are made when they are shown.

An app names its own in `phrases.py`, lazily translated:
`WORDS` (states, kinds, actions, reasons), `FACTS` (names of facts), `REASONS` (a sentence by code, filled with stored
facts), `REFUSALS` (by problem code: what is the matter, and what to do next), `PROPOSALS` (by kind: what is asked for).
Sets list which facts and columns hold codes (`CODES`), hashes and proofs (`HASHES`), texts of any length
(`LONG_TEXTS`), subjects (`SUBJECTS`) or who acted (`ACTORS`).
A code that is not written any more keeps its phrase as long as stored rows may hold it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sunusav.core.app_modules import collect, collect_mapping
from sunusav.core.errors import DomainError

Show = Callable[[str, Any], Any]
UNITS = {
    "_xof_per_btc": "XOF/BTC", "_sats": "sats", "_msat": "msat", "_xof": "XOF", "_bps": "bps", "_ppm": "ppm",
}  # fmt: skip


@dataclass(frozen=True)
class RefusalPhrase:
    """A refusal for a person: what is the matter, what to do next, and the code that colleagues can search for."""

    code: str
    sentence: str
    next: str

    @property
    def text(self) -> str:
        """Return everything in one line."""
        return " ".join(part for part in (self.sentence, self.next, f"[{self.code}]") if part)


def plain(name: str, value: Any) -> Any:
    """Return a fact as the API and logs write it: a number with the unit that its name ends in."""
    unit = UNITS.get(unit_of(name))
    return f"{value} {unit}" if unit and isinstance(value, int) else value


def unit_of(name: str) -> str:
    """Return the ending of a name that gives its unit (it comes last), or nothing."""
    return next((unit for unit in UNITS if name.endswith(unit)), "")


def word(code: str) -> str:
    """Return what a code is called, or the code itself, readable."""
    return known_word(code) or _readable(code)


def known_word(code: str) -> str:
    """Return what a code is called, or nothing when no app names it."""
    return str(_words().get(_readable(code).lower(), ""))


def fact_label(name: str) -> str:
    """Return what a fact is called, an amount without its unit; or its name, readable."""
    labels, without_unit = _mapping("FACTS"), name.removesuffix(unit_of(name))
    return str(labels.get(name) or labels.get(without_unit) or _readable(without_unit))


def proposal_label(kind: str) -> str:
    """Return what a kind of proposal asks for."""
    return str(_mapping("PROPOSALS").get(kind) or _readable(kind))


def reason(code: str, facts: Mapping[str, Any], *, show: Show = plain) -> str:
    """Return why something failed, waits or needs review; a code without a sentence of its own by its name."""
    template = _mapping("REASONS").get(code) or _mapping("REFUSALS").get(code, ("",))[0]
    return _filled(template, facts, show) if template else known_word(code) or _readable(code)


def refusal_phrase(refusal: DomainError, *, show: Show = plain) -> RefusalPhrase:
    """Phrase a refusal; one without a phrase by its name and facts."""
    sentence, following = _mapping("REFUSALS").get(refusal.code, ("", ""))
    if not sentence:
        return RefusalPhrase(refusal.code, _by_name(refusal), "")
    return RefusalPhrase(
        refusal.code, _filled(sentence, refusal.facts, show), _filled(following, refusal.facts, show)
    )


def _filled(template: Any, facts: Mapping[str, Any], show: Show) -> str:
    return str(template) % {name: show(name, value) for name, value in facts.items()}


def _by_name(refusal: DomainError) -> str:
    name = _readable(refusal.code).capitalize()
    facts = ", ".join(f"{key}={value}" for key, value in refusal.facts.items())
    return f"{name} ({facts})." if facts else f"{name}."


def _readable(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")


@cache
def names(attribute: str) -> frozenset[str]:
    """Return the names of facts and columns that the apps list in a set: such as CODES."""
    return frozenset(collect("phrases", attribute))


@cache
def _mapping(attribute: str) -> Mapping[str, Any]:
    return collect_mapping("phrases", attribute)


@cache
def _words() -> Mapping[str, Any]:
    return {_readable(code).lower(): label for code, label in _mapping("WORDS").items()}
