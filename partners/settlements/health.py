"""Whether settlements go on: months that nobody closed, and settlements that wait for long."""

from datetime import datetime, timedelta
from typing import Final

from partners.settlements.queries import all_due, unsettled
from sunusav.core.health import DEGRADED, OK, HealthCheck, HealthReport

# The schedule closes a month some hours after its end.
CLOSED_WITHIN: Final = timedelta(days=1)
SETTLED_WITHIN: Final = timedelta(days=10)


def _settlements(now: datetime) -> HealthReport:
    late = [
        window.end for one in all_due(now=now) for window in one.windows if now - window.end > CLOSED_WITHIN
    ]
    waiting = [one.created_at for one in unsettled()]
    oldest = min(waiting, default=None)
    is_well = not late and (oldest is None or now - oldest <= SETTLED_WITHIN)
    facts = {
        "not_closed": len(late), "not_settled": len(waiting),
        "oldest_seconds": int((now - oldest).total_seconds()) if oldest else None,
    }  # fmt: skip
    return HealthReport(OK if is_well else DEGRADED, facts)


HEALTH_CHECKS = [HealthCheck("settlements", _settlements)]
