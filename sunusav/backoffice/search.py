"""The search of the whole back office: apps list what can be found in `SEARCHES` of their `backoffice.py`.

A search recognises a text, asks with one indexed query, and shows rows with their admin's own columns. The text may be
a name or a phone, so it is sent in the body of a POST: a URL would take it into logs and histories.

Who finds a person by what is encrypted about them learns it: such a search needs the right to see it in clear, and each
use is recorded in the trail, without the text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet

from sunusav.backoffice import columns
from sunusav.backoffice.reveals import REVEAL_PERMISSION
from sunusav.backoffice.sections import page_of
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.app_modules import collect
from sunusav.core.keyset import BadSignature, read_cursor, write_cursor
from sunusav.core.models import User

HITS_SHOWN = 10
LONGEST_TEXT = 120
# Any number of 18 digits fits a BIGINT; one of 19 may overflow it.
NUMBER = re.compile(r"#?\s?(\d{1,18})")
HEX_HASH = re.compile(r"[0-9A-Fa-f]{64}")
PHONE = re.compile(r"(?:\+|00)\d{8,15}|(?:221)?[37]\d{8}")
LONGEST_IDENTIFIER, LONGEST_REFERENCE = 64, 100


@dataclass(frozen=True)
class Hit:
    """A row that was found: its name, its state, more about it, and its page. `key` is where the next hits start."""

    key: str
    label: str
    url: str
    state: Any = ""
    about: str = ""


@dataclass(frozen=True)
class Search:
    """A way to find rows, for people with the permission.

    `recognise` returns what to look for in a text, or an empty string where this search has nothing to look for.
    `find` takes it, the key of the last hit that was shown before, and a limit. A search `is_unambiguous` when its only
    hit is certainly meant. One by a name or phone names the action by which each use is recorded.
    """

    name: str
    title: Any
    permission: str
    recognise: Callable[[str], str]
    find: Callable[[str, str, int], Sequence[Hit]]
    is_unambiguous: bool = True
    recorded_as: str = ""

    def is_allowed(self, user: User) -> bool:
        rights = [self.permission, *([REVEAL_PERMISSION] if self.recorded_as else [])]
        return user.has_perms(rights)


@dataclass(frozen=True)
class Found:
    """The hits of one search. `next_after` is a signed key after which there are more, if there are."""

    name: str
    title: Any
    hits: Sequence[Hit]
    next_after: str
    is_unambiguous: bool


def search(text: str, user: User, *, now: datetime, only: str = "", after: str = "") -> list[Found]:
    """Return what was found, of one search or of all that this person may use, at most 10 hits of each.

    A page that several searches find is listed once, where it was found first. `after` is the `next_after` of one
    search; another text finds nothing. That somebody searched by a name or phone is in the trail.
    """
    searches: list[Search] = [one for one in collect("backoffice", "SEARCHES") if one.is_allowed(user)]
    asked = [one for one in searches if one.name == only] if only else searches
    with transaction.atomic():
        _record([one for one in asked if one.recorded_as and one.recognise(text)], user, now)
        found = [_run(one, text, after=after if only else "") for one in asked]
    return [one for one in _once(found) if one.hits]


def _record(searches: Sequence[Search], user: User, now: datetime) -> None:
    subject, actor = f"user:{user.get_username()}", Actor.of(user)
    trail.record_all([trail.TrailFact(subject, one.recorded_as, actor, now) for one in searches])


def only_page(found: Sequence[Found]) -> str:
    """Return the page of the one hit, if it is the only one and certainly meant; else an empty string."""
    if len(found) != 1 or len(found[0].hits) != 1 or not found[0].is_unambiguous:
        return ""
    return found[0].hits[0].url


def _once(found: Iterable[Found]) -> Iterator[Found]:
    listed: set[str] = set()
    for one in found:
        new = [hit for hit in one.hits if hit.url not in listed]
        listed |= {hit.url for hit in new}
        yield replace(one, hits=new)


def _run(one: Search, text: str, *, after: str) -> Found:
    term, salt = one.recognise(text), f"search {one.name}"
    try:
        start = str(read_cursor(after, salt=salt)[0]) if after else ""
    except BadSignature:
        term = start = ""
    hits = list(one.find(term, start, HITS_SHOWN + 1)) if term else []
    next_after = write_cursor([hits[HITS_SHOWN - 1].key], salt=salt) if len(hits) > HITS_SHOWN else ""
    return Found(one.name, one.title, hits[:HITS_SHOWN], next_after, one.is_unambiguous)


# What a text may be. A phone, or a name of several words, is looked for by its hash alone: no statement that the
# database may log has it in clear.


def is_phone(text: str) -> bool:
    """Return whether a text is certainly a phone: one with its country, or a Senegalese one without."""
    return PHONE.fullmatch(re.sub(r"[ .()-]", "", text)) is not None


def number(text: str) -> str:
    """Recognise the number of a row, as 17 or #17."""
    found = None if is_phone(text) else NUMBER.fullmatch(text)
    return found[1] if found else ""


def identifier(text: str) -> str:
    """Recognise an identifier of the platform."""
    return text if len(text) <= LONGEST_IDENTIFIER and "/" not in text and _is_one_word(text) else ""


def reference(text: str) -> str:
    """Recognise a payment hash, which people may paste in capitals, or a reference of a partner."""
    if HEX_HASH.fullmatch(text):
        return text.lower()
    return text if len(text) <= LONGEST_REFERENCE and _is_one_word(text) else ""


def _is_one_word(text: str) -> bool:
    return " " not in text and not is_phone(text)


# How rows are shown


def rows_found(
    rows: Callable[[str], QuerySet[Any]], *, state: str = "", about: Sequence[str] = ()
) -> Callable[[str, str, int], Sequence[Hit]]:
    """Return a `find` of rows that are few: those of a unique value, or of a value that few rows share."""

    def find(term: str, after: str, limit: int) -> Sequence[Hit]:
        found = rows(term).order_by("pk")
        return hits_of(
            list((found.filter(pk__gt=after) if after else found)[:limit]), state=state, about=about
        )

    return find


def hits_of(
    rows: Sequence[Model], *, state: str = "", about: Sequence[str] = (), key: str = "pk"
) -> list[Hit]:
    """Return rows as their admin names and shows them; `state` and `about` are columns of it."""
    if not rows:
        return []
    model_admin: Any = admin.site._registry[type(rows[0])]  # noqa: SLF001  (there is no public accessor)
    model_admin.prepare(rows)
    return [_hit(row, model_admin, state=state, about=about, key=key) for row in rows]


def _hit(row: Model, model_admin: Any, *, state: str, about: Sequence[str], key: str) -> Hit:
    shown_state = columns.read(row, model_admin, [state]) if state else []
    more = [str(value) for _label, value in columns.read(row, model_admin, about)]
    return Hit(
        key=str(getattr(row, key)), label=model_admin.name_of(row), url=page_of(row._meta.label_lower, row.pk),
        state=shown_state[0][1] if shown_state else "", about=", ".join(more),
    )  # fmt: skip
