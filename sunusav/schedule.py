"""The schedule as it is shipped: rows that `sync_schedules` creates when missing and never overrides.

Source: DOMAIN.md section 10. Beat never repairs missed runs: each task computes what is due itself.
"""

from sunusav.core.schedules import Daily, Every, ScheduledTask

SCHEDULE = [
    ScheduledTask("ready check", "payouts.record_ready_cycles", Every(300)),
    ScheduledTask("take redeemed withdrawals", "payouts.take_withdrawals", Every(60)),
    ScheduledTask("process due payouts", "transfers.run_due", Every(600), queue="payouts"),
    ScheduledTask(
        "sweep open attempts, due retries and unclaimed orders", "transfers.sweep", Every(15), queue="payouts"
    ),
    ScheduledTask("ask about open collections", "transfers.sweep_collections", Every(60)),
    ScheduledTask("seal the trail", "core.seal_trail", Every(10)),
    ScheduledTask("seal the books", "ledger.seal_books", Every(10)),
    ScheduledTask("refresh the exchange rate", "ledger.update_rates", Every(300)),
    ScheduledTask("deliver messages to the platform", "api.deliver_outbox", Every(30)),
    ScheduledTask("audit the books (fast)", "ledger.audit_books_fast", Every(3600), queue="reports"),
    ScheduledTask("audit the books (full)", "ledger.audit_books_full", Daily(2, 30), queue="reports"),
    ScheduledTask("check health", "api.check_health", Every(3600)),
    ScheduledTask("clean up", "api.clean_up", Daily(5, 0)),
]
