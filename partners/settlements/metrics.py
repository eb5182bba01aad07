"""Settlements for the monitoring: what waits, and for how long."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from partners.enums import SettlementStatus
from partners.settlements.queries import all_due, unsettled
from sunusav.core.metrics import Metric, Sample

OPEN = [one for one in SettlementStatus.values if one != SettlementStatus.COMPLETED]


def _waiting(now: datetime) -> Iterator[Sample]:
    counts = Counter(one.status for one in unsettled())
    yield from (Sample(counts[status], {"status": status}) for status in OPEN)


def _age(now: datetime) -> Iterator[Sample]:
    oldest = min((one.created_at for one in unsettled()), default=None)
    yield Sample(int((now - oldest).total_seconds()) if oldest else 0)


def _not_closed(now: datetime) -> Iterator[Sample]:
    yield Sample(sum(len(one.windows) for one in all_due(now=now)))


METRICS = [
    Metric("settlements_open", "Settlements that are not completed, by state.", _waiting),
    Metric("settlement_age_seconds", "Since the oldest settlement that is not completed was closed.", _age),
    Metric("settlement_months_not_closed", "Months of partners that are over and not closed.", _not_closed),
]
