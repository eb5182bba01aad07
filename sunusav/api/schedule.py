from sunusav.core.periodic_tasks import Daily, Every, PeriodicTask

SCHEDULE = [
    PeriodicTask("deliver messages to the platform", "api.deliver_outbox", Every(30)),
    PeriodicTask("check health", "api.check_health", Every(3600)),
    PeriodicTask("record health", "api.record_health", Every(120)),
    PeriodicTask("clean up", "api.clean_up", Daily(5, 0)),
]
