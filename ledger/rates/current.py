"""Which rate is current, and for what."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings

from ledger.errors import RateNotFresh
from ledger.models import ExchangeRate
from ledger.models.rate import FALLBACK_SOURCE
from ledger.types import Rate

# Rates are refreshed every 5 minutes: two refreshes may fail before the fallback rate is used.
FRESH_FOR: Final = timedelta(minutes=15)


def current_rate(now: datetime) -> Rate:
    """Return the newest accepted rate of the last 15 minutes, else the fallback, which is marked as such."""
    return _fresh(now) or fallback_rate(now)


def francs_rate(now: datetime) -> Rate:
    """Return the rate that may move francs now. Raises: RateNotFresh when there is only a fallback."""
    rate = current_rate(now)
    if rate.is_fallback and not settings.FALLBACK_RATE_MOVES_FRANCS:
        raise RateNotFresh(source=rate.source, observed_at=rate.observed_at)
    return rate


def latest_rate_for_record(now: datetime) -> Rate:
    """Return the last accepted rate of any age, else the fallback, to be stored with a fee in sats.

    Never fails: a payment in sats does not need a rate. `observed_at` shows its age, `is_fallback` a fallback.
    """
    row = ExchangeRate.objects.accepted().filter(observed_at__lte=now).newest()
    return row.value if row else fallback_rate(now)


def last_accepted() -> Rate | None:
    """Return the newest rate from the market or from two people, fresh or not."""
    row = ExchangeRate.objects.accepted().newest()
    return row.value if row else None


def newest_is_quarantined() -> bool:
    """Return whether the newest rate from the market is in quarantine, so that nothing uses it."""
    newest = (
        ExchangeRate.objects.filter(is_fallback=False)
        .order_by("-pk")
        .values_list("is_quarantined", flat=True)
    )
    return bool(newest.first())


def fallback_rate(now: datetime) -> Rate:
    """Return the configured fallback as a row, appended on first use and when the setting has changed."""
    configured = Decimal(settings.FALLBACK_BTC_XOF_RATE)
    row = ExchangeRate.objects.fallback().order_by("-id").first()
    if row is None or row.rate_xof_per_btc != configured:
        row = ExchangeRate.objects.create(
            rate_xof_per_btc=configured, source=FALLBACK_SOURCE, observed_at=now, recorded_at=now,
            is_fallback=True,
        )  # fmt: skip
    return row.value


def _fresh(now: datetime) -> Rate | None:
    accepted = ExchangeRate.objects.accepted()
    row = accepted.filter(observed_at__gt=now - FRESH_FOR, observed_at__lte=now).newest()
    return row.value if row else None
