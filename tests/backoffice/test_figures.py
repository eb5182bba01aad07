"""Figures by day: what each series says of a day, which days are computed when, and that nothing is counted twice."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from fees.figures import FEE_SHARES
from ledger.figures import CLOSING_RATE
from ledger.models import ExchangeRate
from sunusav.core.figures import DAYS_KEPT, compute_daily_figures, figures_of
from sunusav.core.models import DailyFigure
from tests.backoffice.world import World
from tests.factories.payouts import NOW
from transfers.figures import NOT_PAID, PAID_BY_RAIL, SUCCEEDED
from transfers.models import Attempt

pytestmark = [pytest.mark.django_db, pytest.mark.each_leg]
DAY = NOW.date()


def _rate(value: str, at: datetime, **fields: bool) -> None:
    ExchangeRate.objects.create(
        rate_xof_per_btc=Decimal(value), source="test", observed_at=at, recorded_at=at, components={},
        quarantine_reason="jump" if fields.get("is_quarantined") else "", **fields,
    )  # fmt: skip


def test_day_of_a_paid_and_a_failed_payment(world: World) -> None:
    compute_daily_figures(now=NOW)

    # 30,000 sats at 1 % × 0.50 = 150: the winner got 29,850; 150 = 75 + 30 + 45
    assert figures_of(PAID_BY_RAIL, since=DAY, through=DAY) == {DAY: {"lightning": Decimal(29_850)}}
    assert figures_of(FEE_SHARES, since=DAY, through=DAY) == {
        DAY: {"platform": Decimal(75), "community": Decimal(30), "partner": Decimal(45)}
    }
    assert figures_of(SUCCEEDED, since=DAY, through=DAY) == {DAY: {"lightning": Decimal(1)}}
    assert figures_of(NOT_PAID, since=DAY, through=DAY) == {DAY: {"lightning": Decimal(1)}}


def test_last_accepted_rate_of_a_day_is_its_figure() -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    _rate("60000000", noon)
    _rate("61000000.5", noon + timedelta(hours=2))
    _rate("99000000", noon + timedelta(hours=3), is_quarantined=True)
    _rate("8000000", noon + timedelta(hours=4), is_fallback=True)

    compute_daily_figures(now=noon)

    assert figures_of(CLOSING_RATE, since=DAY, through=DAY) == {DAY: {"close": Decimal("61000000.5")}}


def test_day_without_rows_is_known_to_be_empty() -> None:
    compute_daily_figures(now=NOW)

    assert figures_of(PAID_BY_RAIL, since=DAY, through=DAY) == {DAY: {"": Decimal(0)}}
    assert DailyFigure.objects.filter(series=PAID_BY_RAIL).count() == DAYS_KEPT


def test_midnight_in_dakar_divides_days() -> None:
    midnight = datetime(2026, 3, 4, tzinfo=UTC)
    _rate("60000000", midnight - timedelta(microseconds=1))
    _rate("61000000", midnight)

    compute_daily_figures(now=midnight + timedelta(hours=1))

    found = figures_of(CLOSING_RATE, since=date(2026, 3, 3), through=date(2026, 3, 4))
    assert found == {
        date(2026, 3, 3): {"close": Decimal(60_000_000)}, date(2026, 3, 4): {"close": Decimal(61_000_000)},
    }  # fmt: skip


def test_newest_days_are_computed_again_and_old_ones_kept(world: World) -> None:
    compute_daily_figures(now=NOW)
    DailyFigure.objects.filter(series=PAID_BY_RAIL, day=DAY).update(value=1)
    old = DAY - timedelta(days=40)
    DailyFigure.objects.filter(series=PAID_BY_RAIL, day=old).update(value=7)

    compute_daily_figures(now=NOW)

    assert figures_of(PAID_BY_RAIL, since=DAY, through=DAY) == {DAY: {"lightning": Decimal(29_850)}}
    assert figures_of(PAID_BY_RAIL, since=old, through=old) == {old: {"": Decimal(7)}}


def test_days_older_than_kept_are_deleted(world: World) -> None:
    compute_daily_figures(now=NOW)
    later = NOW + timedelta(days=DAYS_KEPT)

    compute_daily_figures(now=later)

    assert DailyFigure.objects.filter(day__lte=DAY).count() == 0
    assert Attempt.objects.count() == 2
