"""Phrase codes and facts in the reader's language. Rows store codes and facts; text is made when it is shown.

Each app's `phrases.py` has lazily translated labels and sentences: `LABELS` (labels of states, kinds, actions and
reasons), `FACTS` (labels of facts), `REASONS` (a sentence by code, filled with stored facts), `REFUSALS` (by problem
code: what happened, and what to do next), `PROPOSALS` (by kind: what is proposed), `TOPICS` (by topic: what a message
to the platform reports), `EVENTS` (what an entry of the trail says happened: by `<kind of subject>.<action>`, by
`<action>` where subjects of any kind have it; those of proposals by `proposal.<action>`). `TONES` gives the tone of a
state's badge: good, bad or attention; `EVENT_TONES`, that of an entry of the trail that says something is wrong.
Sentences name facts as `%(limit_sats)s`, without the unit: it is shown with the value.
Sets name the facts and columns that hold codes (`CODES`), hashes and proofs (`HASHES`), texts of any length
(`LONG_TEXTS`), subjects (`SUBJECTS`), who acted (`ACTORS`), or amounts in the currency that the fact `currency` beside
them names (`IN_CURRENCY`).
A code that is no longer written keeps its label as long as stored rows may hold it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext, pgettext

from sunusav.core.app_modules import collect, collect_mapping
from sunusav.core.errors import DomainError

Show = Callable[[str, Any], Any]
UNITS = {
    "_xof_per_btc": "XOF/BTC", "_sats": "sats", "_msat": "msat", "_xof": "XOF", "_bps": "bps", "_ppm": "ppm",
}  # fmt: skip
ENDINGS = {"good", "bad"}
_NAMED = re.compile(r"%\((\w+)\)s")
_UNIT_OF_CURRENCY = {"msat": "_msat", "XOF": "_xof"}


@dataclass(frozen=True)
class RefusalPhrase:
    """A refusal as a person reads it: what happened, what to do next, and the code to search for."""

    code: str
    sentence: str
    next: str

    @property
    def text(self) -> str:
        """Return sentence, next step and code in one line."""
        return " ".join(part for part in (self.sentence, self.next, f"[{self.code}]") if part)


def labelled(label: Any, text: Any) -> str:
    """Return a label with its text, joined as in the reader's language: French has a blank before the colon."""
    return gettext("%(name)s: %(text)s") % {"name": label, "text": text}


def enumerated(parts: Iterable[str]) -> str:
    """Return several facts as one text, with what the reader's language puts between them."""
    return pgettext("between facts", "; ").join(parts)


def plain(name: str, value: Any) -> Any:
    """Return a fact as the API and logs write it: a number gets the unit that the fact's name ends in."""
    unit = UNITS.get(unit_of(name))
    return f"{value} {unit}" if unit and isinstance(value, int) else value


def unit_of(name: str) -> str:
    """Return the unit suffix of a name, such as `_sats`, or an empty string."""
    return next((unit for unit in UNITS if name.endswith(unit)), "")


def with_unit(name: str, facts: Mapping[str, Any]) -> str:
    """Return the name of a fact, with the unit of the currency beside it if it is an amount in that currency."""
    is_amount = name in listed_names("IN_CURRENCY")
    return name + _UNIT_OF_CURRENCY.get(facts.get("currency", ""), "") if is_amount else name


def code_label(code: str, *, of: str = "") -> str:
    """Return the label of a code; without one, the code with spaces.

    A code that means something else as a value of one field has that label under "<field>.<code>"; `of` is the field.
    """
    return known_label(f"{of}.{code}") or known_label(code) or _readable(code)


def known_label(code: str) -> str:
    """Return the label of a code, or an empty string when no app has one."""
    return str(_code_labels().get(_readable(code).lower(), ""))


def tone(code: str) -> str:
    """Return the tone of a state (`good`, `bad` or `attention`), or an empty string."""
    return str(_mapping("TONES").get(code, ""))


def fact_label(name: str) -> str:
    """Return the label of a fact, without the unit of an amount; without a label, its name with spaces."""
    labels, without_unit = _mapping("FACTS"), name.removesuffix(unit_of(name))
    return str(labels.get(name) or labels.get(without_unit) or _readable(without_unit))


def proposal_label(kind: str) -> str:
    """Return what a kind of proposal is called."""
    return str(_mapping("PROPOSALS").get(kind) or _readable(kind))


def topic_label(topic: str) -> str:
    """Return what a message to the platform reports, given its topic."""
    return str(_mapping("TOPICS").get(topic) or _readable(topic))


def event_key(kind: str, action: str) -> str:
    """Return the name in `EVENTS` of what an action of a kind of subject says, or an empty string."""
    names = [f"{kind}.{action}", action]
    if kind in _mapping("PROPOSALS"):
        names.insert(1, f"proposal.{action}")
    return next((name for name in names if name in _mapping("EVENTS")), "")


def event(kind: str, action: str, facts: Mapping[str, Any], *, show: Show = plain) -> str:
    """Return what an entry of the trail says happened, filled with its facts.

    Without a sentence, or where facts are missing that it names, return the label of the action.
    """
    template = _mapping("EVENTS").get(event_key(kind, action))
    try:
        return (
            _filled(template, {**facts, "what": proposal_label(kind)}, show)
            if template
            else code_label(action)
        )
    except KeyError:
        return code_label(action)


def event_tone(kind: str, action: str, to_state: str) -> str:
    """Return the tone of an entry of the trail: attention only where something is wrong, not where a state waits."""
    of_state = tone(to_state)
    return str(_mapping("EVENT_TONES").get(event_key(kind, action), of_state if of_state in ENDINGS else ""))


def facts_in_event(kind: str, action: str) -> frozenset[str]:
    """Return the names of the facts that the sentence of an action contains."""
    return frozenset(_NAMED.findall(str(_mapping("EVENTS").get(event_key(kind, action), ""))))


def reason(code: str, facts: Mapping[str, Any], *, show: Show = plain) -> str:
    """Return why something failed, waits or needs review: the sentence of the code, else its label."""
    return sentence(code, facts, show=show) or code_label(code)


def sentence(code: str, facts: Mapping[str, Any], *, show: Show = plain) -> str:
    """Return the sentence of a code, filled with its facts; without one, an empty string.

    Where facts are missing, return `text`: a reason that was stored as text, before there were facts.
    """
    template = _mapping("REASONS").get(code) or _mapping("REFUSALS").get(code, ("",))[0]
    try:
        return _filled(template, facts, show) if template else str(facts.get("text", ""))
    except KeyError:
        return str(facts.get("text", ""))


def refusal_phrase(refusal: DomainError, *, show: Show = plain) -> RefusalPhrase:
    """Phrase a refusal; without a phrase, return its code and facts."""
    sentence, next_step = _mapping("REFUSALS").get(refusal.code, ("", ""))
    if not sentence:
        return RefusalPhrase(refusal.code, _by_name(refusal), "")
    return RefusalPhrase(
        refusal.code, _filled(sentence, refusal.facts, show), _filled(next_step, refusal.facts, show)
    )


def _filled(template: Any, facts: Mapping[str, Any], show: Show) -> str:
    return str(template) % {name: show(with_unit(name, facts), value) for name, value in facts.items()}


def _by_name(refusal: DomainError) -> str:
    name = _readable(refusal.code).capitalize()
    facts = ", ".join(f"{key}={value}" for key, value in refusal.facts.items())
    return f"{name} ({facts})." if facts else f"{name}."


def _readable(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")


@cache
def listed_names(attribute: str) -> frozenset[str]:
    """Return the names of facts and columns that the apps list in a set such as `CODES`."""
    return frozenset(collect("phrases", attribute))


@cache
def _mapping(attribute: str) -> Mapping[str, Any]:
    return collect_mapping("phrases", attribute)


@cache
def _code_labels() -> Mapping[str, Any]:
    return {_readable(code).lower(): label for code, label in _mapping("LABELS").items()}
