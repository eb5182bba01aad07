"""Reads of our money at partners, and of what they delivered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Max, QuerySet

from partners.calculations import DEFAULT_MINIMUM, days_of_cover, is_float_low
from partners.errors import PartnerBalanceUnknown, PartnerNotInUse
from partners.models import AdoptedFloatMinimum, InboundWebhook
from partners.settlements.queries import unsettled_xof
from partners.types import FloatMinimumFacts, LiveBalance, PartnerFloat
from transfers.float_queries import OUTFLOW_DAYS, balance_at_provider, floats_of
from transfers.types import RailFloat

# The worker that may pay looks at each rail every 30 seconds.
FRESH_FOR: Final = timedelta(seconds=60)
FOLLOWED_LATE_AFTER: Final = timedelta(minutes=10)


def live_balance(partner: str, *, now: datetime) -> LiveBalance:
    """Return what a partner held for us at most a minute ago. Raises: PartnerNotInUse, PartnerBalanceUnknown."""
    if partner not in partners_in_use():
        raise PartnerNotInUse(partner=partner)
    found = balance_at_provider(partner)
    if found is None or now - found.at > FRESH_FOR:
        raise PartnerBalanceUnknown(
            partner=partner,
            last_balance=found.amount.amount if found else None,
            last_currency=found.amount.currency if found else "",
            last_timestamp=found.at if found else None,
            age_seconds=int((now - found.at).total_seconds()) if found else None,
        )
    return LiveBalance(
        found.amount.amount, found.amount.currency, found.at, accrued_xof=unsettled_xof(partner)
    )


def partners_in_use() -> list[str]:
    """Return the partners that this installation pays by."""
    return [name for name in settings.PARTNERS if name in settings.RAILS]


def partner_floats(*, now: datetime) -> dict[str, PartnerFloat]:
    """Return our money at each partner, how long it lasts, and whether that is too little."""
    floats, minimums = floats_of(partners_in_use(), now=now), minimums_in_force()
    return {
        name: _partner_float(name, found, minimums.get(name, DEFAULT_MINIMUM))
        for name, found in floats.items()
    }


def minimum_in_force(partner: str) -> FloatMinimumFacts:
    """Return the minimum float of a partner."""
    return minimums_in_force().get(partner, DEFAULT_MINIMUM)


def minimums_in_force() -> dict[str, FloatMinimumFacts]:
    """Return the minimum floats that two people put in force, by partner."""
    adopted = AdoptedFloatMinimum.objects.select_related("minimum").order_by("pk")
    rows = [row.minimum for row in adopted]
    return {row.partner: FloatMinimumFacts(row.minimum_xof, row.minimum_days) for row in rows}


def newest_webhooks() -> dict[str, datetime]:
    """Return, by partner, when it last delivered a webhook."""
    rows = InboundWebhook.objects.filter(partner__in=settings.PARTNERS).order_by().values_list("partner")
    return dict(rows.annotate(at=Max("received_at")))


def webhooks_waiting() -> int:
    """Count the deliveries that are still followed."""
    return InboundWebhook.objects.filter(follow_at__isnull=False).count()


def webhooks_late(now: datetime) -> int:
    """Count the deliveries that should have been followed ten minutes ago."""
    return late_webhooks(now).count()


def late_webhooks(now: datetime) -> QuerySet[InboundWebhook]:
    """Return the deliveries that should have been followed ten minutes ago."""
    return InboundWebhook.objects.filter(follow_at__lt=now - FOLLOWED_LATE_AFTER)


def _partner_float(name: str, found: RailFloat, minimum: FloatMinimumFacts) -> PartnerFloat:
    if found.balance is None:
        return PartnerFloat(name, found, minimum, cover_days=None, is_low=False)
    balance = found.balance.amount.amount
    cover_days = days_of_cover(balance, outflow_xof=found.outflow_amount, days=OUTFLOW_DAYS)
    is_low = is_float_low(balance, cover_days=cover_days, minimum=minimum)
    return PartnerFloat(name, found, minimum, cover_days=cover_days, is_low=is_low)
