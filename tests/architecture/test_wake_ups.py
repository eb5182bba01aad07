"""Which task each service wakes once its change is committed: the periodic task alone would find the work too late."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery.signals import before_task_publish
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav.core.wake_ups import retry_broker_now
from tests.architecture.trail_cases import CASES
from transfers.collectors import collector
from transfers.rails import rail

RUN_DUE, READY, TAKE = "transfers.run_due", "payouts.record_ready_cycles", "payouts.take_withdrawals"
SWEEP, EXPORTS = "transfers.sweep_collections", "backoffice.prepare_exports"
# Services that are not named wake nothing.
WOKEN = {
    **dict.fromkeys(
        [
            "sunusav.backoffice.export_pages.ExportAdmin",
            "sunusav.backoffice.list_exports.ask_for_export",
            "sunusav.backoffice.list_exports.prepare_exports",
        ],
        EXPORTS,
    ),
    **dict.fromkeys(
        [
            "partners.settlements.services.payments.execute_settlement",
            "payouts.services.payouts.request_payout",
            "payouts.services.payouts.retry_payout",
            "payouts.services.proposals.refund_as_approved",
            "payouts.services.refunds.request_refund",
            "payouts.services.withdrawals.take_withdrawals",
            "transfers.services.disbursements.begin_disbursement",
            "transfers.services.disbursements.expedite_disbursement",
            "transfers.services.disbursements.request_disbursement",
            "transfers.services.disbursements.retry_disbursement",
            "transfers.services.limit_waivers.grant_waiver",
            "transfers.services.reconciliation.query_now",
            "transfers.services.withdrawals.record_taken",
        ],
        RUN_DUE,
    ),
    **dict.fromkeys(
        [
            "lightning.services.record_settlement",
            "lightning.services.record_settlement_at_cursor",
            "payouts.services.contributions.cancel_contribution",
            "transfers.services.cancellations.cancel_collection",
            "transfers.services.collections.reconcile_collection",
            "transfers.services.collections.sweep_collections",
            "transfers.services.receipts.end_collection",
            "transfers.services.receipts.record_payment",
            "transfers.services.receipts.record_payments",
            "transfers.services.receipts.record_receipt",
        ],
        READY,
    ),
    "transfers.services.cancellations.withdraw_collections": SWEEP,
    "transfers.services.withdrawals.redeem_withdrawal": TAKE,
}


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    settings.PARTNERS = ["wave"]
    settings.RAILS = {
        "lightning": "tests.transfers.rails.SteeredRail", "wave": "tests.fakes.franc_rail.ScriptedWaveRail",
    }  # fmt: skip
    settings.COLLECTORS = {
        "lightning": "tests.transfers.rails.SteeredCollector",
        "wave": "tests.transfers.rails.OtherSteeredCollector",
    }
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in (*forgets, retry_broker_now):
        forget()
    yield
    for forget in forgets:
        forget()


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """Collect the names of the tasks that are sent to the broker."""
    names: list[str] = []

    def note(sender: str, **_: Any) -> None:
        names.append(sender)

    before_task_publish.connect(note)
    yield names
    before_task_publish.disconnect(note)


@pytest.mark.django_db
@pytest.mark.parametrize("service", sorted(CASES))
def test_service_wakes_this_task_and_no_other(
    service: str, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    call = CASES[service]()
    sent.clear()

    with django_capture_on_commit_callbacks(execute=True):
        call()

    assert sorted(set(sent)) == ([WOKEN[service]] if service in WOKEN else [])
