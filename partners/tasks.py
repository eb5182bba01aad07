from celery import shared_task

from partners.services.webhooks import clean_up_webhooks, follow_webhooks
from sunusav.core import clock


@shared_task(name="partners.follow_webhooks")
def follow_webhooks_task() -> int:
    return follow_webhooks(now=clock.now())


@shared_task(name="partners.clean_up_webhooks")
def clean_up_webhooks_task() -> int:
    return clean_up_webhooks(now=clock.now())
