from datetime import datetime, timedelta
from typing import Any, Final

from ledger.audit_queries import last_audits
from ledger.queries import open_receivables
from ledger.rates.current import FRESH_FOR, last_accepted
from sunusav.core.health import DEGRADED, OK, HealthCheck, HealthReport

# Accruals of a month have not repaid it: a person should look.
RECEIVABLE_OLD_AFTER: Final = timedelta(days=30)


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


def receivables(now: datetime) -> HealthReport:
    """Report how many accounts owe something back, and for how long the oldest has."""
    found = open_receivables()
    age = now - found[0].since if found else timedelta()
    facts = {"open": len(found), "oldest_age_seconds": int(age.total_seconds())}
    return HealthReport(DEGRADED if age > RECEIVABLE_OLD_AFTER else OK, facts)


def audits(now: datetime) -> HealthReport:
    """Report when the books were last checked, fast and in full; late or missing audits and breaches are not well."""
    last = last_audits(now=now)
    facts: dict[str, Any] = {
        f"{kind.value}_age_seconds": int((now - run.ended_at).total_seconds())
        for kind, run in last.runs.items()
    }
    facts |= {"late": [kind.value for kind in last.late], "breaches": last.breaches_found}
    return HealthReport(DEGRADED if last.late or last.breaches_found else OK, facts)


HEALTH_CHECKS = [
    HealthCheck("rate_age", rate_age),
    HealthCheck("receivables", receivables),
    HealthCheck("audit", audits),
]
