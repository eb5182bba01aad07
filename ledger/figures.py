"""The exchange rate by day, for charts."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from ledger.models import ExchangeRate
from sunusav.core.figures import DailySeries

CLOSING_RATE = "ledger.closing_rate_xof_per_btc"


def _closing_rate(start: datetime, end: datetime) -> Mapping[str, int | Decimal]:
    """Return the last accepted rate of a day, in francs per bitcoin; nothing where there was none."""
    of_day = ExchangeRate.objects.accepted().filter(observed_at__gte=start, observed_at__lt=end)
    newest = of_day.newest()
    return {"close": newest.rate_xof_per_btc} if newest else {}


DAILY_SERIES = [DailySeries(CLOSING_RATE, _closing_rate)]
