"""What migrations do with rows that were stored before: reasons as sentences, schedules of the sweep."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks

from tests.transfers.builders import NOW, ordered, row_of
from transfers.models import Disbursement

migration = import_module("transfers.migrations.0014_failure_facts")
schedules = import_module("transfers.migrations.0015_schedules_name_run_due")

BEFORE, AFTER = "0013_names_of_fields", "0014_failure_facts"
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
    """Later migrations convert rows in one direction only: the rows are stored in the schema of before."""
    try:
        stored = _migrate_to(BEFORE)
        short = _store(
            stored, "awa", failure_code="liquidity-short",
            failure_message="lightning holds too little to send it now",
        )  # fmt: skip
        untouched = _store(stored, "binta")

        facts = _migrate_to(AFTER).objects.in_bulk([short, untouched])
        assert facts[short].failure_facts == {"rail": "lightning"}
        assert (facts[untouched].failure_code, facts[untouched].failure_facts) == ("", {})

        again = _migrate_to(BEFORE).objects.in_bulk([short, untouched])
        assert again[short].failure_message == "liquidity-short"
        assert again[untouched].failure_message == ""
    finally:
        _migrate_to_newest()
    assert row_of(short).failure_facts == {}, "it was read from the code alone, which has no rail"


@pytest.mark.django_db
def test_rows_are_read_a_page_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "BATCH", 2)
    ids = [ordered(name) for name in ("awa", "binta", "coumba", "dior", "fatou")]

    pages = [[row.pk for row in page] for page in migration._pages(Disbursement.objects.all())]

    assert pages == [ids[:2], ids[2:4], ids[4:]]


def _migrate_to(name: str) -> Any:
    """Return the model as it was after a migration."""
    state = MigrationExecutor(connection).migrate([("transfers", name)])
    return state.apps.get_model("transfers", "Disbursement")


def _store(stored: Any, name: str, **failure: str) -> int:
    row = stored.objects.create(
        subject=f"cycle:{name}", state="scheduled", payout_sats=100_000, debit_role="group_pot",
        debit_owner=f"cycle:{name}", rail="lightning", destination_kind="bolt11", destination_value="lnbcrt1",
        scheduled_at=NOW, requested_at=NOW, payee_ref=f"user:{name}", **failure,
    )  # fmt: skip
    return int(row.pk)


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
