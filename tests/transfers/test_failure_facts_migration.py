"""What migrations do with rows that were stored before: reasons as sentences, schedules of the sweep."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from tests.transfers.builders import ordered, row_of
from transfers.models import Disbursement

migration = import_module("transfers.migrations.0014_failure_facts")
schedules = import_module("transfers.migrations.0015_schedules_name_run_due")

UNTIL = "2026-03-05T00:00:00+00:00"
WRITTEN: list[tuple[str, str, dict[str, Any]]] = [
    ("", "", {}),
    ("no-route", "no-route", {}),
    (
        "payout-above-limit",
        "it is above the limit of 5000000 sats for one payout; a second person can except it",
        {"limit_sats": 5_000_000},
    ),
    (
        "destination-cooling-off",
        f"its destination became another payee's after the cycle was ready; it goes at {UNTIL}",
        {"until": UNTIL},
    ),
    (
        "payee-day-limit",
        f"its payee's limit of 7 sats a day is used up; it goes at {UNTIL}",
        {"limit_sats": 7, "until": UNTIL},
    ),
    (
        "hour-limit",
        f"the limit of 7 sats in an hour is used up; it is tried again at {UNTIL}",
        {"limit_sats": 7, "until": UNTIL},
    ),
    (
        "rail-stopped",
        "lightning failed 10 times in a row; it is tried again from time to time",
        {"rail": "lightning", "failures": 10},
    ),
    (
        "rail-unavailable",
        "lightning is away or short: timed out: 3 s",
        {"rail": "lightning", "detail": "timed out: 3 s"},
    ),
    ("liquidity-short", "lightning holds too little to send it now", {"rail": "lightning"}),
    (
        "payment-vanished",
        "the outside no longer knows a payment it had, or another node answered (03ab)",
        {"source": "03ab"},
    ),
    (
        "last-order-in-doubt",
        "the outside says of the last order neither that it was paid nor that it was refused",
        {},
    ),
    (
        "paid-before",
        "an order of disbursement 41 for the same subject was paid after all",
        {"disbursement_id": 41},
    ),
    ("answer-contradicts-records", "another-amount-paid", {"outcome": "another-amount-paid"}),
    ("refused-when-sent-again", "incorrect-payment-details", {"outcome": "incorrect-payment-details"}),
    ("resolved-as-not-paid", "two people found that it was not paid", {}),
    (
        "worker-broke",
        "a worker of ours broke over it (ValueError); its log says where",
        {"error": "ValueError"},
    ),
    (
        "invoice-amount-differs",
        "invoice-amount-differs: expected_msat=99500000, invoice_msat=None",
        {"expected_msat": 99_500_000, "invoice_msat": None},
    ),
    (
        "destination-unavailable",
        "destination-unavailable: rail=lightning, host=pay.example, detail=offline, for now",
        {"rail": "lightning", "host": "pay.example", "detail": "offline, for now"},
    ),
    ("hour-limit", "used up", {"text": "used up"}),
    ("outgoing-paused", "outgoing-paused", {}),
    (
        "no-route",
        "a text of the node, longer than its code",
        {"text": "a text of the node, longer than its code"},
    ),
]


@pytest.mark.parametrize(("code", "message", "facts"), WRITTEN)
def test_facts_are_read_from_a_message(code: str, message: str, facts: dict[str, Any]) -> None:
    assert migration.facts_in(code, message) == facts


@pytest.mark.django_db(transaction=True)
def test_stored_messages_become_facts_and_back() -> None:
    disbursement_id = ordered("awa")
    untouched = ordered("binta")
    try:
        before = _migrate_back()
        before.objects.filter(pk=disbursement_id).update(
            failure_code="liquidity-short", failure_message="lightning holds too little to send it now"
        )
    finally:
        _migrate_to_newest()
    assert row_of(disbursement_id).failure_facts == {"rail": "lightning"}
    assert (row_of(untouched).failure_code, row_of(untouched).failure_facts) == ("", {})

    try:
        again = _migrate_back()
        assert again.objects.get(pk=disbursement_id).failure_message == "liquidity-short"
        assert again.objects.get(pk=untouched).failure_message == ""
    finally:
        _migrate_to_newest()


@pytest.mark.django_db
def test_rows_are_read_a_page_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "BATCH", 2)
    ids = [ordered(name) for name in ("awa", "binta", "coumba", "dior", "fatou")]

    pages = [[row.pk for row in page] for page in migration._pages(Disbursement.objects.all())]

    assert pages == [ids[:2], ids[2:4], ids[4:]]


def _migrate_back() -> Any:
    """Return the model as it was before."""
    before = MigrationExecutor(connection).migrate([("transfers", "0013_names_of_fields")])
    return before.apps.get_model("transfers", "Disbursement")


def _migrate_to_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.django_db
def test_schedules_of_the_sweep_run_due_payments_and_keep_what_operators_edited() -> None:
    slower = IntervalSchedule.objects.create(every=90, period=IntervalSchedule.SECONDS)
    edited: dict[str, Any] = {
        "interval": slower, "enabled": False, "queue": "payouts", "description": "slower on weekends",
    }  # fmt: skip
    sweep = PeriodicTask.objects.create(name="sweep", task="transfers.sweep", **edited)
    other = PeriodicTask.objects.create(name="other", task="transfers.sweep_collections", **edited)
    before, others = _columns(sweep), _columns(other)

    schedules.name_run_due(apps, None)

    assert _columns(sweep) == {**before, "task": "transfers.run_due"}
    assert _columns(other) == others
    assert PeriodicTasks.objects.get(ident=1).last_update is not None


def _columns(row: PeriodicTask) -> dict[str, Any]:
    return dict(PeriodicTask.objects.filter(pk=row.pk).values().get())
