"""Figures of fees by day, for charts."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from fees.models import FeeRecord
from sunusav.core.figures import DailySeries

FEE_SHARES = "fees.shares_sats"


def _shares(start: datetime, end: datetime) -> Mapping[str, int | Decimal]:
    """Sum the shares of the fees of the payouts booked in a day, less those that were reversed, in sats."""
    booked = FeeRecord.objects.filter(completed_at__gte=start, completed_at__lt=end)
    sums = booked.aggregate(
        platform=Sum("platform_sats"), community=Sum("community_sats"), partner=Sum("partner_sats")
    )
    return {share: int(total) for share, total in sums.items() if total is not None}


DAILY_SERIES = [DailySeries(FEE_SHARES, _shares)]
