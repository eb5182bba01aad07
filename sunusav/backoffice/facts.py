"""Stored facts as people read them: labels in their language, amounts with units, dates, short digests."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext

from sunusav.backoffice.money import NOTHING, SHOWN_BY_UNIT
from sunusav.core import phrasing, subjects
from sunusav.core.app_modules import collect_mapping
from sunusav.core.phrasing import unit_of

DIGEST_LENGTH = 64
# A longer text is shown by its two ends, and in full on demand.
LONG = 100
NS_PER_SECOND = 1_000_000_000
SYSTEM = "system:"
# The day first in both languages, as is usual in Dakar.
_DAY, _MOMENT, _INSTANT = "d/m/Y", "d/m/Y H:i", "d/m/Y H:i:s"
HEX = re.compile("[0-9a-f]{60,}")
# Francs with decimals are facts as text: JSON has no exact fractions.
EXACT = re.compile(r"-?\d+\.\d+")


def readable(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return labels and values of stored facts; a currency is shown with the amounts that are in it."""
    amounts = phrasing.listed_names("IN_CURRENCY") & set(facts)
    return [
        (_label(name, value), value_of(phrasing.with_unit(name, facts), value))
        for name, value in facts.items()
        if not (name == "currency" and amounts)
    ]


def _label(name: str, value: Any) -> str:
    # In evidence from a node, `method` is the name of an RPC.
    return label_of("call" if name == "method" and str(value).startswith("/") else name)


def show_facts(value: Any) -> Any:
    """Show stored facts in one cell, as a list of labels and values."""
    if not isinstance(value, Mapping):
        return value_of("", value)
    if not value:
        return NOTHING
    lines = format_html_join("", "<dt>{}</dt><dd>{}</dd>", readable(value))
    return format_html('<dl class="facts">{}</dl>', lines)


def label_of(name: str) -> str:
    """Return the label of a fact, without the unit of an amount, which is shown with the value."""
    label = phrasing.fact_label(name)
    return label[:1].upper() + label[1:]


def value_of(name: str, value: Any) -> Any:
    """Return a fact's value as it is shown; the fact's name decides how.

    Apps name functions that show facts of their own in `FACT_FORMATS` of their `backoffice.py`.
    """
    if value is None or value in ("", [], {}):
        return NOTHING
    if name in _formats():
        return _formats()[name](value)
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, Mapping):
        return show_facts(value)
    if isinstance(value, list):
        return _list(value)
    shown = _amount(name, value) or _moment(name, value) or _digest(name, value)
    return (
        shown
        or _code(name, value)
        or _actor(name, value)
        or _subject(name, value)
        or _label_of_code(name, value)
        or value
    )


def moment(at: Any) -> str:
    """Show a datetime to the minute, in Dakar's time."""
    return date_format(localtime(at) if is_aware(at) else at, _MOMENT) if at else NOTHING


def day(text: str) -> str:
    """Show a stored date."""
    on = parse_date(text)
    return date_format(on, _DAY) if on else text


def instant(at: Any) -> str:
    """Show a datetime to the second, where the order of events matters."""
    return date_format(localtime(at), _INSTANT) if at else NOTHING


def short(digest: str) -> Any:
    """Show the first characters of a digest in groups of four, all of it on hover."""
    grouped = " ".join(digest[start : start + 4] for start in range(0, 16, 4))
    return format_html('<code class="mono" title="{}">{}</code>', digest, grouped)


def mono(text: str) -> Any:
    """Show a hash or another code in a fixed-width font, to compare and copy it."""
    return format_html('<code class="mono">{}</code>', text) if text else NOTHING


def long(text: str) -> Any:
    """Show a code of any length: a long one by its two ends, all of it on demand."""
    if len(text) <= LONG:
        return mono(text)
    ends = f"{text[:24]}…{text[-12:]}"
    return format_html(
        '<details class="long"><summary><code class="mono">{}</code></summary>{}</details>', ends, mono(text)
    )


def numbered(number: Any) -> str:
    """Show the number of a row."""
    return gettext("#%(number)s") % {"number": number}


def show_actor(label: str) -> Any:
    """Show who acted: a person by their login; the system as such, its part on hover."""
    if not label.startswith(SYSTEM):
        return label
    return format_html('<span title="{}">{}</span>', label, gettext("the system"))


def show_code(code: str) -> str:
    """Show the label of a stored code (an action, a state, a reason)."""
    return phrasing.code_label(code) if code else NOTHING


def show_code_or_text(text: str, *, of: str = "") -> str:
    """Show a value that is either a code or text that somebody wrote: the label of a code, text unchanged.

    `of` is the field, as in `phrasing.code_label`.
    """
    return (phrasing.known_label(f"{of}.{text}") or phrasing.known_label(text) or text) if text else NOTHING


@cache
def _formats() -> Mapping[str, Callable[[Any], Any]]:
    return collect_mapping("backoffice", "FACT_FORMATS")


def _list(values: list[Any]) -> str:
    # Values may contain markup: joined as plain text, their tags would be escaped.
    return format_html_join(", ", "{}", ((value_of("", value),) for value in values))


def _amount(name: str, value: Any) -> str:
    unit = unit_of(name)
    if unit == "_xof_per_btc":
        return SHOWN_BY_UNIT[unit](Decimal(str(value)))
    if unit == "_xof" and isinstance(value, str) and EXACT.fullmatch(value):
        return SHOWN_BY_UNIT[unit](Decimal(value))
    return SHOWN_BY_UNIT[unit](value) if unit and isinstance(value, int) else ""


def _moment(name: str, value: Any) -> str:
    if name.endswith("_at_ns") and isinstance(value, int):
        return instant(datetime.fromtimestamp(value / NS_PER_SECOND, tz=UTC))
    at = parse_datetime(str(value)) if name.endswith(("_at", "until")) else None
    return moment(at) if at else ""


def _digest(name: str, value: Any) -> Any:
    return short(value) if name == "digest" and isinstance(value, str) and len(value) == DIGEST_LENGTH else ""


def _code(name: str, value: Any) -> Any:
    return (
        mono(value)
        if name in phrasing.listed_names("HASHES") and isinstance(value, str) and HEX.fullmatch(value)
        else ""
    )


def _actor(name: str, value: Any) -> Any:
    return show_actor(value) if name in phrasing.listed_names("ACTORS") and isinstance(value, str) else ""


def _subject(name: str, value: Any) -> str:
    is_subject = name in phrasing.listed_names("SUBJECTS") and isinstance(value, str)
    return subjects.label(value) if is_subject else ""


def _label_of_code(name: str, value: Any) -> str:
    return (
        show_code_or_text(value, of=name)
        if name in phrasing.listed_names("CODES") and isinstance(value, str)
        else ""
    )
