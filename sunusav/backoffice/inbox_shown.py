"""The inbox as the first page shows it: counts, sums, ages and next steps as texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.timesince import timesince
from django.utils.translation import gettext, ngettext

from sunusav.backoffice.facts import moment
from sunusav.backoffice.francs import FrancsNow, francs_now
from sunusav.backoffice.inbox import COUNTED_AT_MOST, Amount, Inbox, Notice, Row, Waiting
from sunusav.backoffice.money import show_msat, show_number, show_xof

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class ShownRow:
    """One line below a notice."""

    row: Row
    count: str
    amount: str
    francs: str
    age: str
    until: str


@dataclass(frozen=True)
class ShownNotice:
    """A notice with everything on it as text. `others` counts the rows that are only in the list it leads to."""

    notice: Notice
    count: str
    amount: str
    francs: str
    age: str
    rows: Sequence[ShownRow]
    others: str


@dataclass(frozen=True)
class ShownInbox:
    """The first page. `rate` says at which rate francs are estimated, where some are."""

    to_do: Sequence[ShownNotice]
    informed: Sequence[ShownNotice]
    rate: str


def show_inbox(inbox: Inbox, *, now: datetime) -> ShownInbox:
    """Phrase an inbox; the rate is read once, and only if an amount is shown."""
    notices = [*inbox.to_do, *inbox.informed]
    francs = francs_now(now) if any(map(_has_amount, notices)) else None
    return ShownInbox(
        to_do=[_notice(notice, francs, now) for notice in inbox.to_do],
        informed=[_notice(notice, francs, now) for notice in inbox.informed],
        rate=_about_rate(francs) if francs else "",
    )


def show_count(count: int) -> str:
    """Show how many wait: more than `COUNTED_AT_MOST` are not counted."""
    if count > COUNTED_AT_MOST:
        return gettext("more than %(count)s") % {"count": show_number(COUNTED_AT_MOST)}
    return show_number(count)


def show_amount(amount: Amount | None, francs: FrancsNow | None) -> tuple[str, str]:
    """Show an amount in sats and in francs: as booked, or else about what it is worth now."""
    if amount is None:
        return "", ""
    sats = show_msat(amount.msat) if amount.msat is not None else ""
    if amount.xof is not None:
        return sats, show_xof(amount.xof)
    return sats, francs.about(amount.msat) if francs and amount.msat is not None else ""


def show_age(since: datetime | None, now: datetime) -> str:
    """Show for how long something has waited."""
    if since is None or since > now:
        return ""
    if now - since < MINUTE:
        return gettext("less than a minute")
    return gettext("for %(age)s") % {"age": timesince(since, now, depth=1)}


def _notice(notice: Notice, francs: FrancsNow | None, now: datetime) -> ShownNotice:
    waiting = notice.waiting
    amount, in_francs = show_amount(waiting.amount if waiting else None, francs)
    return ShownNotice(
        notice=notice, count=show_count(waiting.count) if waiting else "", amount=amount, francs=in_francs,
        age=show_age(waiting.since, now) if waiting else "", rows=[_row(row, francs, now) for row in notice.rows],
        others=_others(waiting, sum(row.count or 1 for row in notice.rows)),
    )  # fmt: skip


def _row(row: Row, francs: FrancsNow | None, now: datetime) -> ShownRow:
    amount, in_francs = show_amount(row.amount, francs)
    return ShownRow(
        row=row, count=show_count(row.count) if row.count is not None else "", amount=amount, francs=in_francs,
        age=show_age(row.since, now), until=_until(row.until, now),
    )  # fmt: skip


def _until(until: datetime | None, now: datetime) -> str:
    return gettext("until %(at)s") % {"at": moment(until)} if until is not None and until > now else ""


def _others(waiting: Waiting | None, shown: int) -> str:
    """Name how many only the list has."""
    if waiting is None or not shown or waiting.count <= shown:
        return ""
    if waiting.is_capped:
        return gettext("See all")
    left = waiting.count - shown
    return ngettext("See %(count)s other", "See %(count)s others", left) % {"count": show_number(left)}


def _has_amount(notice: Notice) -> bool:
    return bool(notice.waiting and notice.waiting.amount) or any(row.amount for row in notice.rows)


def _about_rate(francs: FrancsNow) -> Any:
    return gettext("≈ at the rate of %(at)s: %(rate)s. Other amounts in francs are as booked.") % {
        "at": moment(francs.observed_at),
        "rate": francs.rate_shown,
    }
