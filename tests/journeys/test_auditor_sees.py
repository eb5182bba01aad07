"""The audit is green after a rich history, and red, by the invariant's code and the row, after each corruption.

The corruptions are made by raw SQL with triggers, foreign keys and checks out of the way, as somebody with the
database's password could.
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
from tests.journeys.corruptions import CORRUPTIONS, Expected, a_name, replace_a_proof
from tests.journeys.history import AUDITED_AT, History, live_through
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
class Lived:
    """A history, and what the audit said of it while all defences were up."""

    history: History
    report: AuditReport


@pytest.fixture(scope="module")
def lived(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Lived]:
    """Live through it once, then take triggers and one unique rule away; put all back when the rows are gone."""
    with django_db_blocker.unblock():
        with override_settings(**STEERED):
            forget()
            node = rail("lightning")
            assert isinstance(node, SteeredRail)
            history = live_through(node)
            report = audit(now=AUDITED_AT)
        drop_triggers()
        drop_constraint(Attempt, "disbursement_one_live_attempt")
        yield Lived(history, report)
        flush(connection)
        baseline.restore(connection)
        put_constraint_back(Attempt, "disbursement_one_live_attempt")
        put_triggers_back()
        forget()


@pytest.fixture
def history(lived: Lived, our_node: None, settings: Settings) -> History:
    for name, value in STEERED.items():
        setattr(settings, name, value)
    forget()
    return lived.history


def forget() -> None:
    """Forget what is kept in memory of another database."""
    for cache in (rail.cache_clear, collector.cache_clear, forget_schedules):
        cache()


def found() -> set[Expected]:
    """Return what a red audit names, but for the defences that this module took away itself."""
    return {breach for breach in all_found() if breach[0] != "I14"}


def all_found() -> set[Expected]:
    return {(breach.invariant, breach.subject) for breach in audit(now=AUDITED_AT).breaches}


def test_audit_after_a_rich_history_is_green(lived: Lived, history: History) -> None:
    assert dict(Disbursement.objects.values_list("id", "state")) == {
        history.paid: "completed",
        history.retried: "completed",
        history.cancelled: "cancelled",
        history.in_flight: "processing",
    }
    assert (lived.report.breaches, lived.report.waiting, lived.report.exit_code) == ((), (), 0)


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
def test_audit_names_each_corruption(corrupt: Callable[[History], Expected], history: History) -> None:
    with tampered_with():
        expected = corrupt(history)
        assert expected in found()


def test_audit_names_two_succeeded_attempts(history: History) -> None:
    """Without its unique rule, which the audit misses too."""
    with tampered_with():
        sql(
            "UPDATE transfers_attempt SET state = 'succeeded', proof = %s, cost_msat = 1500 WHERE id = %s",
            history.attempt(history.retried, 2).proof,
            history.attempt(history.retried, 1).pk,
        )
        assert {("I05", a_name(history.retried)), ("I14", "table:transfers_attempt")} <= all_found()


def test_audit_names_every_table_whose_triggers_are_gone(history: History) -> None:
    assert {("I14", f"table:{table}") for table in append_only_tables()} <= all_found()


def test_audit_that_is_red_closes_the_outgoing_switch_and_says_why(history: History) -> None:
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
    assert f"breach  I07  {a_name(history.paid, 1)}  " in capsys.readouterr().out
