from sunusav.core.periodic_tasks import Every, PeriodicTask

# Sending may wait long for a provider: only what talks to rails runs on this queue, and only its worker may pay.
# Matching and looks at the rails run here too: a node lists its payments and channels to the paying macaroon alone.
PAYOUTS = "payouts"

SCHEDULE = [
    PeriodicTask("process due payouts", "transfers.run_due", Every(600), queue=PAYOUTS, is_needed=True),
    PeriodicTask(
        "sweep open attempts, due retries and unclaimed orders",
        "transfers.run_due",
        Every(15),
        queue=PAYOUTS,
        is_watched=True,
    ),
    PeriodicTask(
        "look at what rails can send", "transfers.look_at_rails", Every(30), queue=PAYOUTS, is_watched=True
    ),
    PeriodicTask("match the rails", "transfers.match_rails", Every(3600), queue=PAYOUTS, is_needed=True),
    PeriodicTask("match open differences from statements", "transfers.match_statements", Every(3600)),
    PeriodicTask("read the treasury", "transfers.read_treasury", Every(600), queue="reports"),
    PeriodicTask("ask about open collections", "transfers.sweep_collections", Every(60), is_watched=True),
]
# Old names of tasks, for one release: stored schedules and queued messages may still have them.
ALIASES = {"transfers.sweep": PAYOUTS}
