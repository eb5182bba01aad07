"""Charts of the back office. Apps list them in `CHARTS` of their `charts.py`.

The page has the figures as JSON beside a table of the same figures with links to the rows behind them;
`static/backoffice/charts.js` draws them with the Chart.js that unfold brings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.urls import reverse
from django.utils import formats
from django.utils.http import urlencode

from sunusav.backoffice.navigation import Area
from sunusav.core.app_modules import collect
from sunusav.core.calendar import DAKAR
from sunusav.core.figures import figures_of
from sunusav.core.models import User

DAYS_SHOWN: Final = 30
BAR, LINE = "bar", "line"


@dataclass(frozen=True)
class Point:
    """A figure, exact, as people read it, and the list of the rows behind it; None where there is none."""

    value: int | Decimal | None
    shown: str
    url: str = ""


@dataclass(frozen=True)
class Line:
    """The points of one rail, share or kind, one for each label of the chart."""

    label: Any
    points: Sequence[Point]


@dataclass(frozen=True)
class Figures:
    """What a chart draws; `is_stacked` where the lines are parts of a whole."""

    labels: Sequence[str]
    lines: Sequence[Line] = field(default_factory=tuple)
    is_stacked: bool = False

    @property
    def is_empty(self) -> bool:
        return not any(point.value for line in self.lines for point in line.points)

    @property
    def rows(self) -> list[tuple[str, list[Point]]]:
        """Return the table: a label and the points of every line; without the rows in which all are empty."""
        table = zip(self.labels, zip(*(line.points for line in self.lines), strict=True), strict=True)
        return [(label, list(points)) for label, points in table if any(point.value for point in points)]

    def data(self) -> dict[str, Any]:
        """Return what `charts.js` reads. A figure with decimals becomes a text, which Chart.js reads as its number."""
        return {
            "labels": list(self.labels),
            "stacked": self.is_stacked,
            "lines": [
                {
                    "label": str(line.label),
                    "values": [point.value for point in line.points],
                    "shown": [point.shown for point in line.points],
                    "urls": [point.url for point in line.points],
                }
                for line in self.lines
            ],
        }


@dataclass(frozen=True)
class Chart:
    """A chart of an area, for people with the permission. `read` gets the moment of the page."""

    name: str
    area: Area
    permission: str
    title: Any
    kind: str
    read: Callable[[datetime], Figures]
    empty: Any


@dataclass(frozen=True)
class DrawnChart:
    """A chart with its figures, as a template shows it."""

    chart: Chart
    figures: Figures

    @property
    def element_id(self) -> str:
        return f"chart-{self.chart.name}"

    @property
    def data(self) -> dict[str, Any]:
        return self.figures.data()


def charts_for(user: User, *, now: datetime, area: Area | None = None) -> list[DrawnChart]:
    """Return the charts that this person may see, of one area or of all."""
    charts: list[Chart] = collect("charts", "CHARTS")
    return [
        DrawnChart(chart, chart.read(now))
        for chart in sorted(charts, key=lambda chart: list(Area).index(chart.area))
        if area in (None, chart.area) and user.has_perm(chart.permission)
    ]


def days_until(now: datetime) -> list[date]:
    """Return the days that charts show, the oldest first; the last one is today in Dakar."""
    today = now.astimezone(DAKAR).date()
    return [today - timedelta(days=ago) for ago in reversed(range(DAYS_SHOWN))]


def daily_lines(
    series: str, *, now: datetime, show: Callable[[Any], str], label: Callable[[str], Any],
    url: Callable[[date, str], str],
) -> list[Line]:  # fmt: skip
    """Return a line for each part of a daily series. A day that was not computed has no point."""
    days = days_until(now)
    found = figures_of(series, since=days[0], through=days[-1])
    parts = sorted({part for of_day in found.values() for part in of_day if part})
    return [
        Line(label(part), [_point(found.get(day), part, show, url(day, part)) for day in days])
        for part in parts
    ]


def _point(of_day: dict[str, Decimal] | None, part: str, show: Callable[[Any], str], url: str) -> Point:
    if of_day is None:
        return Point(None, "", url)
    stored = of_day.get(part, Decimal(0))
    value = int(stored) if stored == int(stored) else stored.normalize()
    return Point(value, show(value), url)


def show_day(day: date) -> str:
    """Show a day without its year, as a label of an axis."""
    return formats.date_format(day, "SHORT_DATE_FORMAT")[:5]


def list_url(model: str, **filters: Any) -> str:
    """Return the address of a model's list with these filters."""
    address = reverse(f"admin:{model.replace('.', '_')}_changelist")
    return f"{address}?{urlencode(filters)}"
