from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from partners import queries
from partners.settlements import health as settlements
from partners.types import PartnerFloat
from partners.webhooks.refusals import refused_lately
from sunusav.core.health import DEGRADED, OK, HealthCheck, HealthReport

# Somebody forges, or a secret is set wrong here: the operator looks which. Deliveries answered 429 do not count.
MANY_REFUSED = 100


def _partners(now: datetime) -> HealthReport:
    """Report our money at each partner, and whether it can be paid out: as of the last look, nobody is asked."""
    floats = queries.partner_floats(now=now)
    is_well = all(one.rail.is_available and not one.is_low for one in floats.values())
    return HealthReport(OK if is_well else DEGRADED, {name: _shown(one, now) for name, one in floats.items()})


def _shown(one: PartnerFloat, now: datetime) -> dict[str, Any]:
    found = one.rail
    return {
        "is_available": found.is_available,
        "is_stopped": found.is_stopped,
        "failure_code": found.failure_code,
        "answered_seconds_ago": _age(found.balance.at if found.balance else None, now),
        "balance": one.balance_amount,
        "currency": found.currency,
        "days_of_cover": str(one.cover_days) if one.cover_days is not None else None,
        "is_low": one.is_low,
        "waiting": found.waiting_count,
    }


def _webhooks(now: datetime) -> HealthReport:
    """Report what partners delivered; many refused in two hours, and deliveries that nobody follows, are not well."""
    newest = queries.newest_webhooks()
    refused = {name: refused_lately(name, now=now) for name in settings.PARTNERS}
    facts = {
        name: {"last_webhook_seconds_ago": _age(newest.get(name), now), "refused_lately": count}
        for name, count in refused.items()
    }
    late = queries.webhooks_late(now)
    is_well = not late and max(refused.values(), default=0) <= MANY_REFUSED
    return HealthReport(OK if is_well else DEGRADED, {"not_followed": late, **facts})


def _age(at: datetime | None, now: datetime) -> int | None:
    return int((now - at).total_seconds()) if at else None


HEALTH_CHECKS = [
    HealthCheck("partners", _partners),
    HealthCheck("partner_webhooks", _webhooks),
    *settlements.HEALTH_CHECKS,
]
