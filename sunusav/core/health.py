"""Types of the health checks, and the checks of the database and of encryption.

Apps list theirs in `HEALTH_CHECKS` of `health.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from sunusav.core import rotation

OK = "ok"
DEGRADED = "degraded"
DOWN = "down"


@dataclass(frozen=True)
class HealthReport:
    """The status of one component, with the facts behind it."""

    status: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HealthCheck:
    """A component and how to check it. A check that raises counts as down."""

    component: str
    run: Callable[[datetime], HealthReport]


def _database(now: datetime) -> HealthReport:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HealthReport(OK, {"engine": connection.vendor})


def _encryption(now: datetime) -> HealthReport:
    """Report the columns that have values under an old master key, and those that have some no key opens."""
    columns = rotation.encrypted_columns()
    facts = {
        "not_rotated": [column.name for column in columns if rotation.not_rotated(column).exists()],
        "unreadable": [column.name for column in columns if rotation.is_unreadable(column)],
    }
    return HealthReport(DEGRADED if facts["unreadable"] else OK, facts)


HEALTH_CHECKS = [HealthCheck("database", _database), HealthCheck("encryption", _encryption)]
