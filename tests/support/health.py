"""Stores the health of single components, as the periodic task stores that of all."""

from datetime import datetime

from sunusav.core.app_modules import collect
from sunusav.core.readings import HEALTH, store_reading


def read_health(*components: str, now: datetime) -> None:
    """Run the checks of these components alone and store what they found."""
    for check in collect("health", "HEALTH_CHECKS"):
        if check.component in components:
            found = check.run(now)
            store_reading(f"{HEALTH}{check.component}", {**found.facts, "status": found.status}, now=now)
