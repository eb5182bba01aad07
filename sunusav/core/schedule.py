from sunusav.core.periodic_tasks import Every, PeriodicTask

SCHEDULE = [
    PeriodicTask("seal the trail", "core.seal_trail", Every(10), is_needed=True),
    PeriodicTask("compute daily figures", "core.compute_daily_figures", Every(900), queue="reports"),
]
