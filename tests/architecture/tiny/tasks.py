from celery import shared_task


@shared_task(name="tiny.water_trees")
def water_trees_task() -> None:
    """Water every tree."""
