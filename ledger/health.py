from datetime import datetime

from ledger.rates.current import FRESH_FOR, last_accepted
from sunusav.core.health import DEGRADED, OK, HealthCheck, HealthReport


def rate_age(now: datetime) -> HealthReport:
    """Report the age of the newest accepted rate; without a fresh one the fallback rate is used."""
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
