from celery import shared_task

from ledger.auditor import audit_and_guard, fast_window
from ledger.services import repay_receivables, seal_books, update_rates
from sunusav.core import clock


@shared_task(name="ledger.update_rates")
def update_rates_task() -> int:
    return update_rates(now=clock.now()).rate.id


@shared_task(name="ledger.seal_books")
def seal_books_task() -> int:
    return seal_books(now=clock.now())


@shared_task(name="ledger.repay_receivables")
def repay_receivables_task() -> int:
    return repay_receivables(now=clock.now())


@shared_task(name="ledger.audit_books_fast")
def audit_books_fast_task() -> int:
    now = clock.now()
    return audit_and_guard(now=now, since=fast_window(now)).exit_code


@shared_task(name="ledger.audit_books_full")
def audit_books_full_task() -> int:
    return audit_and_guard(now=clock.now()).exit_code
