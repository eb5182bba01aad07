from celery import shared_task

from sunusav.core import clock
from sunusav.core.figures import compute_daily_figures
from sunusav.core.trail import seal_trail


@shared_task(name="core.seal_trail")
def seal_trail_task() -> int:
    return seal_trail(now=clock.now())


@shared_task(name="core.compute_daily_figures")
def compute_daily_figures_task() -> int:
    return compute_daily_figures(now=clock.now())
