"""Charts of settlements: how long they have waited."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from partners.settlements.queries import unsettled
from partners.settlements.types import SettlementFacts
from sunusav.backoffice.charts import BAR, Chart, Figures, Line, Point, list_url
from sunusav.backoffice.money import show_xof
from sunusav.backoffice.navigation import Area


def _ages() -> list[tuple[int | None, Any]]:
    """Return up to how many days a settlement counts for a bar, and how the bar is called; the last has no end."""
    return [(7, _("< 7 days")), (31, _("< 31 days")), (92, _("< 92 days")), (None, _("92 days or more"))]


def _ageing(now: datetime) -> Figures:
    found, points, since = unsettled(), [], timedelta(0)
    for days, _label in _ages():
        until = timedelta(days=days) if days is not None else timedelta.max
        amount_xof = sum(one.amount_xof for one in found if since <= _age(one, now) < until)
        points.append(Point(amount_xof, show_xof(amount_xof), list_url("partners.settlement")))
        since = until
    return Figures([str(label) for _days, label in _ages()], [Line(_("Not settled"), points)])


def _age(one: SettlementFacts, now: datetime) -> timedelta:
    return now - one.created_at


CHARTS = [
    Chart(
        "settlements-by-age", Area.PARTNERS, "partners.view_settlement", _("Settlements that wait, by age"), BAR,
        _ageing, _("No settlement waits."),
    )
]  # fmt: skip
