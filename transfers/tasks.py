from celery import shared_task
from django.conf import settings

from sunusav.core import clock
from sunusav.core.watchdog import ends_if_stopped
from transfers.engine.liquidity import look_at_rails
from transfers.engine.reversing import confirm_reversals
from transfers.engine.runner import run_due
from transfers.rails import rails_with_statement
from transfers.services.collections import sweep_collections
from transfers.services.matching import match_rails
from transfers.services.treasury_readings import read_treasury
from transfers.statements.imports import match_again


@shared_task(name="transfers.run_due")
def run_due_task() -> int:
    with ends_if_stopped():
        return run_due().worked


@shared_task(name="transfers.sweep")
def sweep_task() -> int:
    """Run `transfers.run_due` under its old name, for one release: for messages that are still queued."""
    with ends_if_stopped():
        return run_due().worked


@shared_task(name="transfers.sweep_collections")
def sweep_collections_task() -> int:
    return sweep_collections(now=clock.now())


@shared_task(name="transfers.match_rails")
def match_rails_task() -> int:
    found = match_rails(rails_with_statement(), clock=clock.database_clock())
    confirm_reversals(settings.RAILS, clock=clock.database_clock())
    return found


@shared_task(name="transfers.match_statements")
def match_statements_task() -> int:
    return match_again(now=clock.now())


@shared_task(name="transfers.look_at_rails")
def look_at_rails_task() -> int:
    with ends_if_stopped():
        return look_at_rails(settings.RAILS, clock=clock.database_clock())


@shared_task(name="transfers.read_treasury")
def read_treasury_task() -> int:
    return read_treasury(now=clock.now())
