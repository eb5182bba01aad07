from celery import shared_task

from payouts.services.credit_readings import read_old_credit
from payouts.services.cycles import record_ready_cycles
from payouts.services.withdrawals import take_withdrawals
from sunusav.core import clock


@shared_task(name="payouts.take_withdrawals")
def take_withdrawals_task(cycle_id: str = "") -> int:
    return take_withdrawals(now=clock.now(), cycle_id=cycle_id)


@shared_task(name="payouts.record_ready_cycles")
def record_ready_cycles_task(contribution_id: str | None = None) -> int:
    only = int(contribution_id) if contribution_id else None
    return record_ready_cycles(now=clock.now(), contribution_id=only)


@shared_task(name="payouts.read_old_credit")
def read_old_credit_task() -> int:
    return read_old_credit(now=clock.now())
