"""What this app adds to timelines: what was booked about a subject."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext

from ledger.models import ExchangeRate, JournalEntry, JournalTransaction
from ledger.services.rates import MANUAL_RATE
from sunusav.backoffice.facts import show_actor, show_code_or_text, value_of
from sunusav.backoffice.money import show_in
from sunusav.backoffice.sections import Line, link_to
from sunusav.backoffice.timeline import BOOKED, LINES_SHOWN, Names, Story
from sunusav.core.subjects import key_of, kind_name

BOOKS = "system:ledger"


def related(names: Names) -> dict[str, str]:
    """Return the rates that these requests led to."""
    requests = [key_of(one) for one in names if kind_name(one) == MANUAL_RATE]
    if not requests:
        return {}
    rates = ExchangeRate.objects.filter(request__in=map(int, requests)).values_list("pk", flat=True)
    return {f"rate:{pk}": "" for pk in rates}


def lines(story: Story) -> Iterator[Line]:
    return lines_of(JournalTransaction.objects.filter(subject__in=list(story.names)))


def lines_of_transactions(numbers: Iterable[int], *, holds: Iterable[int]) -> Iterator[Line]:
    """Return lines for these transactions, for holds and for what released them."""
    held = list(holds)
    released = JournalTransaction.objects.filter(reverses__in=held).values_list("pk", flat=True)
    return lines_of(JournalTransaction.objects.filter(pk__in={*numbers, *held, *released}))


def lines_of(booked: QuerySet[JournalTransaction]) -> Iterator[Line]:
    """Return the newest of these transactions as lines, each with its entries."""
    booked = booked.order_by("-pk")
    for row in booked.prefetch_related("entries__account")[:LINES_SHOWN]:
        what = gettext("Booked: %(kind)s") % {"kind": show_code_or_text(row.kind)}
        number = gettext("transaction %(number)s") % {"number": row.pk}
        yield Line(
            row.posted_at, BOOKED, what, who=show_actor(BOOKS), facts=[_entry(one) for one in row.entries.all()],
            links=[link_to(row, number)], key=row.pk,
        )  # fmt: skip


def _entry(entry: JournalEntry) -> tuple[Any, Any]:
    amount = {"amount": show_in(entry.currency, abs(entry.amount))}
    side = gettext("debit %(amount)s") if entry.amount > 0 else gettext("credit %(amount)s")
    return value_of("account_code", entry.account.code), side % amount
