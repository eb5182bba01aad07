from sunusav.core.periodic_tasks import Daily, Every, PeriodicTask

# Partners deliver in bursts: what follows a delivery never waits behind reports or audits.
WEBHOOKS = "webhooks"

SCHEDULE = [
    PeriodicTask(
        "follow webhooks of partners", "partners.follow_webhooks", Every(30), queue=WEBHOOKS, is_watched=True
    ),
    PeriodicTask("clean up webhooks of partners", "partners.clean_up_webhooks", Daily(5, 0), queue=WEBHOOKS),
]
