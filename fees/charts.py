"""The chart of fees by share."""

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from fees.figures import FEE_SHARES
from sunusav.backoffice.charts import BAR, Chart, Figures, daily_lines, days_until, list_url, show_day
from sunusav.backoffice.money import show_sats
from sunusav.backoffice.navigation import Area


def _share(name: str) -> Any:
    return {"platform": _("Platform"), "community": _("Community fund"), "partner": _("Partners")}[name]


def _records_of(day: date, share: str) -> str:
    return list_url("fees.feerecord", completed_at__gte=day.isoformat(), completed_at__lte=day.isoformat())


def _shares(now: datetime) -> Figures:
    lines = daily_lines(FEE_SHARES, now=now, show=show_sats, label=_share, url=_records_of)
    return Figures([show_day(day) for day in days_until(now)], lines, is_stacked=True)


CHARTS = [
    Chart(
        "fee-shares", Area.FEES, "fees.view_feerecord", _("Fees by share, per day, in sats"), BAR, _shares,
        _("No fees in the last 30 days."),
    ),
]  # fmt: skip
