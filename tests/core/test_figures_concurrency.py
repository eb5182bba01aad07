"""Two workers that compute the figures of a day at once leave each part once, and neither fails."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest

from ledger.figures import CLOSING_RATE
from ledger.models import ExchangeRate
from sunusav.core.figures import compute_daily_figures
from sunusav.core.models import DailyFigure
from tests.support.at_once import at_once

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_workers_that_compute_at_once_leave_each_figure_once() -> None:
    ExchangeRate.objects.create(
        rate_xof_per_btc=Decimal(60_000_000), source="test", observed_at=NOW, recorded_at=NOW, components={}
    )

    computed = at_once([partial(compute_daily_figures, now=NOW)] * 4)

    assert all(isinstance(days, int) and days > 0 for days in computed), computed
    of_today = DailyFigure.objects.filter(series=CLOSING_RATE, day=NOW.date()).values_list("part", "value")
    assert list(of_today) == [("close", Decimal(60_000_000))]
