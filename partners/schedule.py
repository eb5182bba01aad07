from sunusav.core.periodic_tasks import Daily, Every, Monthly, PeriodicTask

# Partners deliver in bursts: what follows a delivery never waits behind reports or audits.
WEBHOOKS = "webhooks"
# Closing a window sums the fees of a month.
SETTLEMENTS = "settlements"

SCHEDULE = [
    PeriodicTask(
        "follow webhooks of partners", "partners.follow_webhooks", Every(30), queue=WEBHOOKS, is_watched=True
    ),
    PeriodicTask("clean up webhooks of partners", "partners.clean_up_webhooks", Daily(5, 0), queue=WEBHOOKS),
    PeriodicTask(
        "propose settlements with Wave",
        "partners.propose_settlements",
        Monthly(1, 3, 0),
        queue=SETTLEMENTS,
        arguments=("wave",),
    ),
    PeriodicTask(
        "propose settlements with Orange Money",
        "partners.propose_settlements",
        Monthly(1, 3, 30),
        queue=SETTLEMENTS,
        arguments=("orange",),
    ),
    PeriodicTask(
        "propose settlements with MTN",
        "partners.propose_settlements",
        Monthly(1, 3, 45),
        queue=SETTLEMENTS,
        arguments=("mtn",),
    ),
]
