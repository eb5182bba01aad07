from celery import shared_task

from partners.services.webhooks import clean_up_webhooks, follow_webhooks
from partners.settlements.services.batches import SCHEDULED, propose_due
from sunusav.core import clock


@shared_task(name="partners.follow_webhooks")
def follow_webhooks_task() -> int:
    return follow_webhooks(now=clock.now())


@shared_task(name="partners.clean_up_webhooks")
def clean_up_webhooks_task() -> int:
    return clean_up_webhooks(now=clock.now())


@shared_task(name="partners.propose_settlements")
def propose_settlements_task(partner: str, proposer: str = SCHEDULED) -> int:
    """Propose the windows of a partner that are due; without a proposer, in the name of the scheduler."""
    return len(list(propose_due(partner=partner, proposer=proposer, now=clock.now())))
