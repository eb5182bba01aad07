"""Types of the health page, and the ground's own checks."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

OK = "ok"
DEGRADED = "degraded"
DOWN = "down"


@dataclass(frozen=True)
class HealthReport:
    """How one component is, with the facts that show it."""

    status: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HealthCheck:
    """A component and how to ask after it. A check that raises counts as down."""

    component: str
    run: Callable[[datetime], HealthReport]


def _database(now: datetime) -> HealthReport:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HealthReport(OK, {"engine": connection.vendor})


HEALTH_CHECKS = [HealthCheck("database", _database)]
