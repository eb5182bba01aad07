from datetime import datetime

from sunusav.core.health import OK, HealthCheck, HealthReport


def _soil(now: datetime) -> HealthReport:
    return HealthReport(OK, {"moisture": 40})


HEALTH_CHECKS = [HealthCheck("soil", _soil)]
