from sunusav.core.periodic_tasks import Daily, Every, PeriodicTask

REPORTS = "reports"

SCHEDULE = [
    PeriodicTask("seal the books", "ledger.seal_books", Every(10), is_needed=True),
    PeriodicTask("refresh the exchange rate", "ledger.update_rates", Every(300)),
    PeriodicTask("repay receivables", "ledger.repay_receivables", Every(300)),
    PeriodicTask(
        "audit the books (fast)", "ledger.audit_books_fast", Every(3600), queue=REPORTS, is_needed=True
    ),
    PeriodicTask(
        "audit the books (full)", "ledger.audit_books_full", Daily(2, 30), queue=REPORTS, is_needed=True
    ),
]
