"""The audit finds nothing in a correct history; after each corruption it names the invariant and the row.

The corruptions are made by raw SQL without triggers, foreign keys and checks, as somebody with the database's
password could make them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from fees.queries import forget_schedules
from ledger.auditor import AuditReport, audit, audit_and_guard
from ledger.invariants.schema import append_only_tables
from sunusav.core.models import TrailEntry
from sunusav.core.switches import outgoing
from tests.journeys.corruptions import CORRUPTIONS, Expected, name_of, replace_a_proof
from tests.journeys.history import AUDITED_AT, History, make_history
from tests.support import baseline
from tests.support.flush import flush
from tests.support.tampering import (
    drop_constraint,
    drop_triggers,
    put_constraint_back,
    put_triggers_back,
    sql,
    tampered_with,
)
from tests.transfers.rails import SteeredRail
from transfers.collectors import collector
from transfers.models import Attempt, Disbursement
from transfers.rails import rail

pytestmark = pytest.mark.django_db

STEERED = {
    "RAILS": {"lightning": "tests.transfers.rails.SteeredRail"},
    "COLLECTORS": {"lightning": "tests.transfers.rails.SteeredCollector"},
}


@dataclass(frozen=True)
class AuditedHistory:
    """A history and the report of its audit, made while all triggers and constraints existed."""

    history: History
    report: AuditReport


@pytest.fixture(scope="module")
def audited(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[AuditedHistory]:
    """Make the history once, drop triggers and one unique constraint, and create them again at the end."""
    with django_db_blocker.unblock():
        with override_settings(**STEERED):
            clear_caches()
            node = rail("lightning")
            assert isinstance(node, SteeredRail)
            history = make_history(node)
            report = audit(now=AUDITED_AT)
        drop_triggers()
        drop_constraint(Attempt, "disbursement_one_live_attempt")
        yield AuditedHistory(history, report)
        flush(connection)
        baseline.restore(connection)
        put_constraint_back(Attempt, "disbursement_one_live_attempt")
        put_triggers_back()
        clear_caches()


@pytest.fixture
def history(audited: AuditedHistory, our_node: None, settings: Settings) -> History:
    for name, value in STEERED.items():
        setattr(settings, name, value)
    clear_caches()
    return audited.history


def clear_caches() -> None:
    """Clear what is cached from another database."""
    for cache in (rail.cache_clear, collector.cache_clear, forget_schedules):
        cache()


def found() -> set[Expected]:
    """Return the breaches except those of the triggers and the constraint that this module drops itself."""
    return {breach for breach in all_found() if breach[0] != "I14"}


def all_found() -> set[Expected]:
    return {(breach.invariant, breach.subject) for breach in audit(now=AUDITED_AT).breaches}


def test_audit_correct_history_finds_nothing(audited: AuditedHistory, history: History) -> None:
    assert dict(Disbursement.objects.values_list("id", "state")) == {
        history.paid: "completed",
        history.retried: "completed",
        history.cancelled: "cancelled",
        history.in_flight: "processing",
    }
    assert (audited.report.breaches, audited.report.waiting, audited.report.exit_code) == ((), (), 0)


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_audit_names_each_corruption(corrupt: Callable[[History], Expected], history: History) -> None:
    with tampered_with():
        expected = corrupt(history)
        assert expected in found()


def test_audit_names_two_succeeded_attempts(history: History) -> None:
    """The unique constraint is dropped; the audit reports that as well."""
    with tampered_with():
        sql(
            "UPDATE transfers_attempt SET state = 'succeeded', proof = %s, cost = 1500 WHERE id = %s",
            history.attempt(history.retried, 2).proof,
            history.attempt(history.retried, 1).pk,
        )
        assert {("I05", name_of(history.retried)), ("I14", "table:transfers_attempt")} <= all_found()


def test_audit_names_every_table_whose_triggers_are_gone(history: History) -> None:
    assert {("I14", f"table:{table}") for table in append_only_tables()} <= all_found()


def test_audit_with_breach_pauses_outgoing_and_states_the_invariant(history: History) -> None:
    with tampered_with():
        replace_a_proof(history)
        report = audit_and_guard(now=AUDITED_AT)

        assert (report.has_breaches, outgoing().is_open) == (True, False)
        assert "I07" in outgoing().reason
        assert TrailEntry.objects.get(action="find_breaches").facts["count"] == len(report.breaches)


def test_audit_books_command_names_the_breach_and_exits_with_1(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    with tampered_with():
        replace_a_proof(history)
        with pytest.raises(SystemExit) as ended:
            call_command("audit_books", "--no-pause")

    assert ended.value.code == 1
    assert f"breach  I07  {name_of(history.paid, 1)}  " in capsys.readouterr().out
