"""Read-only parts of a page below its fields: tables and lists of facts, frozen before the template sees them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.facts import instant, say, say_actor, say_known, show_facts
from sunusav.backoffice.money import NOTHING, show_in
from sunusav.core.models import TrailEntry

TRAIL_LIMIT = 100
# Subjects are names of rows above: what they are called here, by the kind they begin with.
SUBJECTS = {"cycle": "payouts.cycle", "contribution": "payouts.contribution"}


@dataclass(frozen=True)
class Table:
    """A titled table; `empty` is said when it has no rows."""

    title: Any
    heads: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    empty: Any = ""
    anchor: str = ""


@dataclass(frozen=True)
class Facts:
    """A titled list of labels and values."""

    title: Any
    facts: Sequence[tuple[Any, Any]] = field(default_factory=tuple)
    anchor: str = ""


Section = Table | Facts


@dataclass(frozen=True)
class Box:
    """What a row needs from people, above its fields: what happened, what is known, what may be done next."""

    title: Any
    says: Any
    facts: Sequence[tuple[Any, Any]] = field(default_factory=tuple)
    steps: Sequence[Any] = field(default_factory=tuple)
    note: Any = ""
    tone: str = "attention"


def trail_of(subjects: Iterable[str]) -> Table:
    """Return who did what to these subjects, oldest first (the last hundred lines)."""
    entries = TrailEntry.objects.filter(subject__in=list(subjects)).order_by("-id")[:TRAIL_LIMIT]
    return Table(
        title=_("Trail"),
        heads=(_("when"), _("who"), _("what"), _("from"), _("to"), _("why"), _("facts")),
        rows=[_trail_row(entry) for entry in reversed(entries)],
        empty=_("Nothing happened to it yet."),
        anchor="trail",
    )


def _trail_row(entry: TrailEntry) -> Sequence[Any]:
    return (
        instant(entry.at),
        say_actor(entry.actor_label),
        say(entry.action),
        say(entry.from_state),
        say(entry.to_state),
        (entry.reason or NOTHING) if entry.actor_id else say_known(entry.reason),
        show_facts(entry.facts),
    )


def postings_of(transactions: Iterable[tuple[Any, Any]]) -> Table:
    """Return the lines of journal transactions, each given with what it was for.

    Debit and credit stand apart; who calls has the entries and their accounts prefetched.
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
            link_to(booked, f"{say_known(booked.kind)} #{booked.pk}"),
            purpose,
            say_account(entry.account),
            debit,
            credit,
        )


def say_account(account: Any) -> Any:
    """Show an account of the books by what it holds and for whom, its code on hover."""
    name = gettext(str(account.get_role_display()))
    shown = f"{name} ({account.owner})" if account.owner else name
    return format_html('<span title="{}">{}</span>', account.code, shown)


def show_subject(subject: str) -> Any:
    """Show what money is for, such as cycle:demo-cycle, with a link to its page where it has one."""
    kind, _colon, key = subject.partition(":")
    return link_to_page(SUBJECTS[kind], key, subject) if kind in SUBJECTS else subject


def link_to(row: Any, text: Any = None) -> Any:
    """Return a link to a row's page in the admin, or its name alone when it has none."""
    if row is None:
        return NOTHING
    return link_to_page(row._meta.label_lower, row.pk, text or str(row))


def link_to_page(model: str, pk: Any, text: Any) -> Any:
    """Return a link to the page of a row of another room, or the text alone when it has none."""
    url = page_of(model, pk)
    return format_html('<a href="{}">{}</a>', url, text) if url else text


def page_of(model: str, pk: Any) -> str:
    """Return the address of a row's page, or nothing when its model has no admin."""
    try:
        return reverse(f"admin:{model.replace('.', '_')}_change", args=[pk])
    except NoReverseMatch:
        return ""
