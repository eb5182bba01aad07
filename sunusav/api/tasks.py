from celery import shared_task

from sunusav.api.cleaning import clean_up
from sunusav.api.health import check_health, record_health
from sunusav.api.webhooks import deliver_outbox
from sunusav.core import clock


@shared_task(name="api.deliver_outbox")
def deliver_outbox_task() -> int:
    return deliver_outbox(now=clock.now())


@shared_task(name="api.clean_up")
def clean_up_task() -> dict[str, int]:
    return clean_up(now=clock.now())


@shared_task(name="api.check_health")
def check_health_task() -> dict[str, str]:
    return check_health(now=clock.now())


@shared_task(name="api.record_health")
def record_health_task() -> int:
    return record_health(now=clock.now())
