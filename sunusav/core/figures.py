"""Figures by day for charts. Apps list their series in `DAILY_SERIES` of `figures.py`; a task computes them.

A chart over a month must not read a month of rows on each view: days that are over are computed once from rows that
no longer change, and the last two days again by each run, because a transaction may commit after midnight.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction

from sunusav.core.app_modules import collect
from sunusav.core.calendar import DAKAR
from sunusav.core.locks import lock
from sunusav.core.models import DailyFigure

DAYS_KEPT: Final = 92
DAYS_COMPUTED_AGAIN: Final = 2


@dataclass(frozen=True)
class DailySeries:
    """A figure of a day, by part. `read` computes it from the rows between two moments, the second excluded."""

    name: str
    read: Callable[[datetime, datetime], Mapping[str, int | Decimal]]


def compute_daily_figures(*, now: datetime) -> int:
    """Compute what is missing of the last `DAYS_KEPT` days, and the newest days again. Return the days computed."""
    today = now.astimezone(DAKAR).date()
    days = [today - timedelta(days=ago) for ago in range(DAYS_KEPT)]
    all_series: list[DailySeries] = collect("figures", "DAILY_SERIES")
    computed = sum(_compute_missing(series, days, now) for series in all_series)
    DailyFigure.objects.filter(day__lt=days[-1]).delete()
    return computed


def _compute_missing(series: DailySeries, days: Sequence[date], now: datetime) -> int:
    """Compute the days of a series that have no figure, and the newest; `days` begins with today."""
    known = set(
        DailyFigure.objects.filter(series=series.name, day__gte=days[-1]).values_list("day", flat=True)
    )
    wanted = [day for ago, day in enumerate(days) if ago < DAYS_COMPUTED_AGAIN or day not in known]
    for day in wanted:
        _compute(series, day, now)
    return len(wanted)


def _compute(series: DailySeries, day: date, now: datetime) -> None:
    """Replace the figures of a day; another worker that computes the same series waits."""
    with transaction.atomic():
        lock(f"figures:{series.name}")
        found = series.read(start_of(day), start_of(day + timedelta(days=1))) or {"": 0}
        DailyFigure.objects.filter(series=series.name, day=day).delete()
        DailyFigure.objects.bulk_create(
            DailyFigure(series=series.name, day=day, part=part, value=value, computed_at=now)
            for part, value in found.items()
        )


def start_of(day: date) -> datetime:
    """Return the first moment of a day in Dakar."""
    return datetime.combine(day, time.min, tzinfo=DAKAR)


def figures_of(series: str, *, since: date, through: date) -> dict[date, dict[str, Decimal]]:
    """Return a series by day and part, both days included; days that were not computed are missing."""
    found: dict[date, dict[str, Decimal]] = defaultdict(dict)
    rows = DailyFigure.objects.filter(series=series, day__gte=since, day__lte=through)
    for day, part, value in rows.order_by("day", "part").values_list("day", "part", "value"):
        found[day][part] = value
    return dict(found)
