from datetime import datetime

from ledger.rates.current import FRESH_FOR, last_accepted
from sunusav.core.health import DEGRADED, OK, HealthCheck, HealthReport


def rate_age(now: datetime) -> HealthReport:
    """Say how old the newest accepted rate is; without a fresh one the fallback's rule holds."""
    rate = last_accepted()
    if rate is None:
        return HealthReport(DEGRADED, {"age_seconds": None, "uses_fallback": True})
    age = now - rate.observed_at
    facts = {
        "age_seconds": int(age.total_seconds()),
        "source": rate.source,
        "uses_fallback": age >= FRESH_FOR,
    }
    return HealthReport(OK if age < FRESH_FOR else DEGRADED, facts)


HEALTH_CHECKS = [HealthCheck("rate_age", rate_age)]
