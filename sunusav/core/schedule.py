from sunusav.core.periodic_tasks import Every, PeriodicTask

SCHEDULE = [PeriodicTask("seal the trail", "core.seal_trail", Every(10))]
