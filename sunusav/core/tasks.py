from celery import shared_task

from sunusav.core import clock
from sunusav.core.trail import seal_trail


@shared_task(name="core.seal_trail")
def seal_trail_task() -> int:
    return seal_trail(now=clock.now())
