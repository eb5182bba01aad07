from sunusav.core.periodic_tasks import Daily, PeriodicTask

SCHEDULE = [PeriodicTask("water the trees", "tiny.water_trees", Daily(6, 0), queue="gardens")]
WAKE_UPS = {"tree": "tiny.water_trees"}
