from celery import shared_task

from payouts.services.cycles import record_ready_cycles
from sunusav.core import clock


@shared_task(name="payouts.record_ready_cycles")
def record_ready_cycles_task(contribution_id: str | None = None) -> int:
    only = int(contribution_id) if contribution_id else None
    return record_ready_cycles(now=clock.now(), contribution_id=only)
