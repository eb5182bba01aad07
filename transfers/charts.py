"""Charts of payments: what was paid, how attempts end, and how long money has waited."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from sunusav.backoffice.charts import (
    BAR,
    Chart,
    Figures,
    Line,
    Point,
    daily_lines,
    days_until,
    list_url,
    show_day,
)
from sunusav.backoffice.facts import show_code, show_code_or_text
from sunusav.backoffice.money import show_number, show_sats
from sunusav.backoffice.navigation import Area
from sunusav.core.figures import figures_of
from transfers import queries
from transfers.enums import AttemptState
from transfers.figures import NOT_PAID, PAID_BY_RAIL, SUCCEEDED
from transfers.statement_enums import ItemState
from transfers.statements.queries import AGES, open_by_age

_PER_CENT: Final = 100


def _ages() -> Sequence[tuple[timedelta | None, Any]]:
    """Return up to which age a payment counts for a bar, and how the bar is called; the last has no end."""
    return (
        (timedelta(hours=1), _("< 1 h")),
        (timedelta(days=1), _("< 24 h")),
        (timedelta(days=7), _("< 7 days")),
        (None, _("7 days or more")),
    )


def _ended(rail: str, since: date, through: date, **filters: str) -> str:
    """Return the address of the attempts on a rail that ended on these days, both included."""
    return list_url(
        "transfers.attempt", order__rail=rail, closed_at__gte=since.isoformat(), closed_at__lte=through.isoformat(),
        **filters,
    )  # fmt: skip


def _paid_on(day: date, rail: str) -> str:
    return _ended(rail, day, day, state__exact=AttemptState.SUCCEEDED.value)


def _paid(now: datetime) -> Figures:
    lines = daily_lines(
        PAID_BY_RAIL, now=now, show=show_sats, label=show_code_or_text,
        url=_paid_on,
    )  # fmt: skip
    return Figures([show_day(day) for day in days_until(now)], lines, is_stacked=True)


def _success(now: datetime) -> Figures:
    """Return the share of the attempts that ended paid, by rail, over the days shown."""
    days = days_until(now)
    succeeded, failed = (_totals(series, days) for series in (SUCCEEDED, NOT_PAID))
    rails = sorted({*succeeded, *failed})
    points = [_rate(rail, succeeded.get(rail, 0), failed.get(rail, 0), days) for rail in rails]
    return Figures([show_code_or_text(rail) for rail in rails], [Line(_("Attempts that were paid"), points)])


def _totals(series: str, days: Sequence[date]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for of_day in figures_of(series, since=days[0], through=days[-1]).values():
        for rail, count in of_day.items():
            totals[rail] = totals.get(rail, 0) + int(count)
    totals.pop("", None)
    return totals


def _rate(rail: str, succeeded: int, failed: int, days: Sequence[date]) -> Point:
    ended = succeeded + failed
    value = (Decimal(_PER_CENT * succeeded) / ended).quantize(Decimal("0.1")).normalize()
    facts = {"rate": number_format(f"{value:f}"), "paid": succeeded, "ended": ended}
    return Point(
        value, str(_("%(rate)s %% (%(paid)s of %(ended)s)") % facts), _ended(rail, days[0], days[-1])
    )


def _waiting(now: datetime) -> Figures:
    """Return what is not paid yet, by how long ago it was requested and by state."""
    bounds = [now - age if age else None for age, _label in _ages()]
    sums = queries.waiting_sats(bounds)
    lines = [Line(show_code(state), _points(state, totals, bounds)) for state, totals in sums.items()]
    return Figures([str(label) for _age, label in _ages()], lines, is_stacked=True)


def _points(state: str, totals: Sequence[int], bounds: Sequence[datetime | None]) -> list[Point]:
    untils = [None, *bounds]
    return [
        Point(total, show_sats(total), _waiting_url(state, since, until))
        for total, since, until in zip(totals, bounds, untils, strict=False)
    ]


def _waiting_url(state: str, since: datetime | None, until: datetime | None) -> str:
    filters = {"state__exact": state}
    if since:
        filters["requested_at__gte"] = since.isoformat()
    if until:
        filters["requested_at__lt"] = until.isoformat()
    return list_url("transfers.disbursement", **filters)


def _statement_ages(now: datetime) -> Figures:
    """Return the open differences from statements, by how long ago they were opened and by kind."""
    untils = [None, *(now - age for age in AGES)]
    afters = [*(now - age for age in AGES), None]
    lines = [
        Line(show_code(code), [
            Point(count, show_number(count), _differences_url(code, after, until))
            for count, after, until in zip(counts, afters, untils, strict=True)
        ])
        for code, counts in open_by_age(now=now).items()
    ]  # fmt: skip
    labels = (_("0–7 days"), _("8–30 days"), _("31–90 days"), _("more than 90 days"))
    return Figures([str(label) for label in labels], lines, is_stacked=True)


def _differences_url(code: str, after: datetime | None, until: datetime | None) -> str:
    filters = {"state__exact": ItemState.OPEN.value, "code__exact": code}
    if after:
        filters["opened_at__gte"] = after.isoformat()
    if until:
        filters["opened_at__lt"] = until.isoformat()
    return list_url("transfers.statementitem", **filters)


CHARTS = [
    Chart(
        "paid", Area.PAYMENTS, "transfers.view_attempt", _("Paid per day, in sats"), BAR, _paid,
        _("Nothing was paid in the last 30 days."),
    ),
    Chart(
        "success", Area.PAYMENTS, "transfers.view_attempt",
        _("Attempts that were paid, by rail, 30 days, in per cent"), BAR, _success,
        _("No attempt ended in the last 30 days."),
    ),
    Chart(
        "waiting", Area.PAYMENTS, "transfers.view_disbursement", _("Money that waits, by age, in sats"), BAR, _waiting,
        _("No money waits."),
    ),
    Chart(
        "statement-ages", Area.CONTROL, "transfers.view_statementitem", _("Open differences from statements, by age"),
        BAR, _statement_ages, _("Nothing is open."),
    ),
]  # fmt: skip
