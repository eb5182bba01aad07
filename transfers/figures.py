"""What was paid, and how attempts ended, by day and rail, for charts."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, QuerySet, Sum

from sunusav.core.figures import DailySeries
from sunusav.core.money import MSAT_PER_SAT
from transfers.enums import UNPAID_ATTEMPT_STATES, AttemptState
from transfers.models import Attempt

PAID_BY_RAIL = "transfers.paid_sats"
SUCCEEDED, NOT_PAID = "transfers.attempts_succeeded", "transfers.attempts_not_paid"


def _ended(start: datetime, end: datetime) -> QuerySet[Attempt]:
    return Attempt.objects.filter(closed_at__gte=start, closed_at__lt=end)


def _paid(start: datetime, end: datetime) -> Mapping[str, int | Decimal]:
    """Sum what payees got in a day, by rail, in whole sats."""
    paid = _ended(start, end).filter(state=AttemptState.SUCCEEDED)
    sums = paid.order_by().values_list("order__rail").annotate(total=Sum("disbursement__net_msat"))
    return {rail: int(total) // MSAT_PER_SAT for rail, total in sums}


def _succeeded(start: datetime, end: datetime) -> Mapping[str, int | Decimal]:
    return _count(_ended(start, end).filter(state=AttemptState.SUCCEEDED))


def _not_paid(start: datetime, end: datetime) -> Mapping[str, int | Decimal]:
    return _count(_ended(start, end).filter(state__in=UNPAID_ATTEMPT_STATES))


def _count(attempts: QuerySet[Attempt]) -> Mapping[str, int | Decimal]:
    return dict(attempts.order_by().values_list("order__rail").annotate(count=Count("pk")))


DAILY_SERIES = [
    DailySeries(PAID_BY_RAIL, _paid),
    DailySeries(SUCCEEDED, _succeeded),
    DailySeries(NOT_PAID, _not_paid),
]
