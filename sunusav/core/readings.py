"""Readings: what periodic tasks last read, for pages that must be quick and ask no provider."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from sunusav.core.models import Reading

HEALTH: Final = "health:"
HEALTH_READ_WITHIN: Final = timedelta(minutes=10)


def store_reading(name: str, facts: Mapping[str, Any], *, now: datetime) -> None:
    """Store what was read under a name, in place of the reading before."""
    Reading.objects.update_or_create(name=name, defaults={"facts": dict(facts), "read_at": now})


def store_health(components: Mapping[str, Mapping[str, Any]], *, now: datetime) -> None:
    """Store the facts and the status of each component; those that no longer exist are removed."""
    with transaction.atomic():
        for component, facts in sorted(components.items()):
            store_reading(f"{HEALTH}{component}", facts, now=now)
        gone = {row.name for row in health_readings()} - {f"{HEALTH}{component}" for component in components}
        Reading.objects.filter(name__in=gone).delete()


def reading(name: str) -> Reading | None:
    """Return what was last read under a name."""
    return Reading.objects.filter(name=name).first()


def health_readings() -> list[Reading]:
    """Return the last reading of each component's health, by its name."""
    return list(Reading.objects.filter(name__startswith=HEALTH).order_by("name"))


def health_of(component: str, *, now: datetime) -> dict[str, Any]:
    """Return the facts of a component as last read; none before the first reading, or when that is old."""
    row = reading(f"{HEALTH}{component}")
    return row.facts if row is not None and row.read_at >= now - HEALTH_READ_WITHIN else {}
