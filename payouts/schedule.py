from sunusav.core.periodic_tasks import Every, PeriodicTask

SCHEDULE = [
    PeriodicTask("ready check", "payouts.record_ready_cycles", Every(300), is_watched=True),
    PeriodicTask("read old credit", "payouts.read_old_credit", Every(3600), queue="reports"),
    PeriodicTask("take redeemed withdrawals", "payouts.take_withdrawals", Every(60), is_watched=True),
]
# A fact stored below about a subject of this kind, or this fact alone, wakes the task that reads it.
WAKE_UPS = {
    "contribution": "payouts.record_ready_cycles",
    "cycle withdrawal": "payouts.take_withdrawals",
}
