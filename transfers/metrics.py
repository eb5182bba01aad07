from collections.abc import Iterator
from datetime import datetime

from sunusav.core.metrics import Metric, Sample
from transfers import queries
from transfers.enums import DeferralCode


def _rails_stopped(now: datetime) -> Iterator[Sample]:
    for row in queries.stopped_rails():
        yield Sample(1, {"rail": row.rail, "state": row.state})


def _payments_deferred(now: datetime) -> Iterator[Sample]:
    waiting = queries.deferred_by(DeferralCode.values)
    yield from (Sample(waiting.get(code, 0), {"why": code}) for code in DeferralCode.values)


METRICS = [
    Metric("rail_stopped", "1 for each rail that is stopped after failures in a row.", _rails_stopped),
    Metric("payments_held_back", "Payments that are deferred, by reason.", _payments_deferred),
]
