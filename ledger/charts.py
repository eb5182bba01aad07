"""The chart of the exchange rate."""

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from ledger.figures import CLOSING_RATE
from sunusav.backoffice.charts import LINE, Chart, Figures, daily_lines, days_until, list_url, show_day
from sunusav.backoffice.money import show_rate
from sunusav.backoffice.navigation import Area


def _label(part: str) -> Any:
    return {"close": _("Last rate of the day")}[part]


def _rates_of(day: date, part: str) -> str:
    return list_url("ledger.exchangerate", observed_at__gte=day.isoformat(), observed_at__lte=day.isoformat())


def _closing_rates(now: datetime) -> Figures:
    lines = daily_lines(CLOSING_RATE, now=now, show=show_rate, label=_label, url=_rates_of)
    return Figures([show_day(day) for day in days_until(now)], lines)


CHARTS = [
    Chart(
        "closing-rate", Area.RATES, "ledger.view_exchangerate", _("Price of a bitcoin, per day, in F CFA"), LINE,
        _closing_rates, _("No rate was accepted in the last 30 days."),
    ),
]  # fmt: skip
