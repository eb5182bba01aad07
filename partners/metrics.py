from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from partners import queries
from partners.settlements import metrics as settlements
from partners.webhooks.refusals import refused_in_all
from sunusav.core.metrics import Metric, Sample

HOURS_PER_DAY = 24


def _float(now: datetime) -> Iterator[Sample]:
    for name, one in queries.partner_floats(now=now).items():
        if one.rail.balance is not None:
            labels = {"partner": name, "currency": one.rail.currency}
            yield Sample(one.rail.balance.amount.amount, labels)


def _cover(now: datetime) -> Iterator[Sample]:
    for name, one in queries.partner_floats(now=now).items():
        if one.cover_days is not None:
            yield Sample(int(one.cover_days * HOURS_PER_DAY), {"partner": name})


def _low(now: datetime) -> Iterator[Sample]:
    for name, one in queries.partner_floats(now=now).items():
        yield Sample(int(one.is_low), {"partner": name})


def _webhooks_refused(now: datetime) -> Iterator[Sample]:
    yield from (Sample(refused_in_all(name), {"partner": name}) for name in settings.PARTNERS)


def _webhooks_waiting(now: datetime) -> Iterator[Sample]:
    yield Sample(queries.webhooks_waiting())


def _webhook_age(now: datetime) -> Iterator[Sample]:
    for name, at in queries.newest_webhooks().items():
        yield Sample(int((now - at).total_seconds()), {"partner": name})


METRICS = [
    Metric("partner_float", "What a partner holds for us, when its rail was last looked at.", _float),
    Metric(
        "partner_float_cover_hours",
        "How long it lasts at the average outflow of the last seven days; no sample if nothing left.",
        _cover,
    ),
    Metric("partner_float_low", "1 while it is below its minimum.", _low),
    Metric("partner_webhooks_refused", "Deliveries that nothing proved.", _webhooks_refused, kind="counter"),
    Metric("partner_webhooks_waiting", "Deliveries that are still followed.", _webhooks_waiting),
    Metric("partner_webhook_age_seconds", "Since a partner last delivered.", _webhook_age),
    *settlements.METRICS,
]
