from sunusav.core.periodic_tasks import Daily, Every, PeriodicTask

REPORTS = "reports"

SCHEDULE = [
    PeriodicTask("prepare exports", "backoffice.prepare_exports", Every(60), queue=REPORTS),
    PeriodicTask("delete expired exports", "backoffice.delete_expired_exports", Daily(4, 30), queue=REPORTS),
]
