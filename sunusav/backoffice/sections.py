"""Read-only sections below the fields of a page: tables and lists of facts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import numbered, show_code_or_text, value_of
from sunusav.backoffice.money import NOTHING, show_in
from sunusav.core import phrasing, subjects
from sunusav.core.app_modules import collect_mapping

# Rows that a section shows of a table; the list has the rest.
SECTION_LIMIT = 100


@dataclass(frozen=True)
class Table:
    """A titled table; `empty` is the text shown when it has no rows, `more` a link to the rest.

    One that `stacks` shows each cell under its head on a narrow screen, where any other scrolls.
    """

    title: Any
    heads: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    empty: Any = ""
    anchor: str = ""
    more: Any = ""
    stacks: bool = False

    @property
    def labelled_rows(self) -> list[list[tuple[Any, Any]]]:
        return [list(zip(self.heads, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Facts:
    """A titled list of labels and values."""

    title: Any
    facts: Sequence[tuple[Any, Any]] = field(default_factory=tuple)
    anchor: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a timeline: what happened, who did it, and the reason that this person or the system gave.

    `is_said`: the reason is a person's. `rank` orders lines of the same moment, and `key` those of the same rank.
    """

    at: datetime
    rank: int
    what: Any
    who: Any = ""
    why: Any = ""
    facts: Sequence[tuple[Any, Any]] = field(default_factory=tuple)
    links: Sequence[Any] = field(default_factory=tuple)
    tone: str = ""
    key: int = 0
    is_said: bool = False


@dataclass(frozen=True)
class Timeline:
    """What happened to a subject, the oldest line first. `earlier` is the URL of what is left out."""

    title: Any
    lines: Sequence[Line]
    earlier: str = ""
    empty: Any = ""
    anchor: str = "timeline"


@dataclass(frozen=True)
class Warnings:
    """A titled list of what is out of the ordinary."""

    title: Any
    warnings: Sequence[Any]
    anchor: str = ""


Section = Table | Facts | Timeline | Warnings


@dataclass(frozen=True)
class Box:
    """What a person should know and do about a row, shown above its fields: what happened, facts, next steps."""

    title: Any
    text: Any
    facts: Sequence[tuple[Any, Any]] = field(default_factory=tuple)
    steps: Sequence[Any] = field(default_factory=tuple)
    note: Any = ""
    tone: str = "attention"


def postings_of(transactions: Iterable[tuple[Any, Any]]) -> Table:
    """Return the entries of journal transactions, each given with its purpose.

    The caller has prefetched the entries and their accounts.
    """
    return Table(
        title=_("In the books"),
        heads=(_("transaction"), _("for"), _("account"), _("debit"), _("credit")),
        rows=[row for purpose, booked in transactions if booked for row in _posting_rows(purpose, booked)],
        empty=_("Nothing was booked."),
        anchor="books",
    )


def _posting_rows(purpose: Any, booked: Any) -> Iterable[Sequence[Any]]:
    for entry in booked.entries.all():
        debit = show_in(entry.currency, entry.amount) if entry.amount > 0 else ""
        credit = show_in(entry.currency, -entry.amount) if entry.amount < 0 else ""
        yield (
            link_to(booked, f"{show_code_or_text(booked.kind)} {numbered(booked.pk)}"),
            purpose,
            _show_account(entry.account),
            debit,
            credit,
        )


def _show_account(account: Any) -> Any:
    """Show a ledger account by its name, its code on hover. Apps name accounts by the format of `account_code`."""
    return format_html('<span title="{}">{}</span>', account.code, value_of("account_code", account.code))


def link_to_rest(model: str, shown: int, **lookups: Any) -> Any:
    """Return a link to the list of all rows of a section that shows as many as it may; else nothing."""
    if shown < SECTION_LIMIT:
        return ""
    page = reverse(f"admin:{model.replace('.', '_')}_changelist")
    url = f"{page}?{urlencode(lookups)}"
    text = _("The first %(count)s are shown. Show all.") % {"count": SECTION_LIMIT}
    return format_html('<a href="{}">{}</a>', url, text)


def show_subject(subject: str) -> Any:
    """Show what a subject is called, with a link to its page if it has one; on hover, the subject to search for."""
    name, url = name_of_subject(subject), page_of_subject(subject)
    if url:
        return format_html('<a href="{}" title="{}">{}</a>', url, subject, name)
    return format_html('<span title="{}">{}</span>', subject, name) if name != subject else subject


def name_of_subject(subject: str) -> str:
    """Return what people call a subject; for one in the trail of proposals, what is proposed and about what."""
    kind = subjects.kind_name(subject)
    if kind in collect_mapping("phrases", "PROPOSALS"):
        return f"{phrasing.proposal_label(kind)} ({subjects.key_of(subject)})"
    return phrasing.known_label(subject) or subjects.label(subject)


def page_of_subject(subject: str) -> str:
    """Return the URL of a subject's page, or an empty string."""
    kind, key = subjects.kind_name(subject), subjects.key_of(subject)
    if known := subjects.known_kinds().get(kind):
        return page_of(known.page, key) if known.page else ""
    return page_of_proposal(kind, key)


def page_of_proposal(kind: str, subject_id: str) -> str:
    """Return the URL of the page of what a proposal is about, or an empty string.

    Apps name the model of each kind of proposal in `PROPOSAL_PAGES` of their `backoffice.py`.
    """
    model = collect_mapping("backoffice", "PROPOSAL_PAGES").get(kind)
    return page_of(model, subject_id) if model else ""


def link_to(row: Any, text: Any = None) -> Any:
    """Return a link to a row's page, or only its name when it has none."""
    if row is None:
        return NOTHING
    return link_to_page(row._meta.label_lower, row.pk, text or str(row))


def link_to_page(model: str, pk: Any, text: Any) -> Any:
    """Return a link to a row's page, given its model and key, or only the text when it has none."""
    url = page_of(model, pk)
    return format_html('<a href="{}">{}</a>', url, text) if url else text


def action_page(model: str, slug: str, pk: Any) -> str:
    """Return the URL of an action's confirmation for one row, given its model and key."""
    page = reverse(f"admin:{model.replace('.', '_')}_action", args=[slug])
    return f"{page}?{urlencode({'pk': pk})}"


def page_of(model: str, pk: Any) -> str:
    """Return the URL of a row's page, or an empty string when its model has no admin."""
    try:
        return reverse(f"admin:{model.replace('.', '_')}_change", args=[pk])
    except NoReverseMatch:
        return ""
