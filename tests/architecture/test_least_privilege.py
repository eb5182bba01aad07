"""The application works with an account that can change no append-only row, and locks none.

The account is made from what `show_grants` prints. MySQL refuses it locking reads as well, which MariaDB allows: on
every engine the statements of the same paths are read for the tables that they lock.
"""

import io
import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from pytest_django import Settings

from fees.queries import forget_schedules
from ledger.invariants.schema import SCHEMA_INVARIANTS, append_only_tables
from ledger.models import JournalTransaction
from sunusav.core.auditing import AuditScope
from tests.architecture.main_paths import walk
from tests.factories.payouts import NOW
from tests.support.locks import locked_tables
from tests.transfers.rails import SteeredRail
from transfers.collectors import collector
from transfers.models import Disbursement
from transfers.rails import rail

USER = "least_privilege"
COMMAND_DENIED = 1142
FOR_UPDATE = re.compile(r" FOR UPDATE(?: SKIP LOCKED)?")


@pytest.fixture
def node(settings: Settings) -> Iterator[SteeredRail]:
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    settings.COLLECTORS = {
        "lightning": "tests.transfers.rails.SteeredCollector",
        "wave": "tests.transfers.rails.OtherSteeredCollector",
    }
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in forgets:
        forget()
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    yield found
    for forget in forgets:
        forget()


@contextmanager
def connected_as(user: str, password: str) -> Iterator[None]:
    """Use another account of the server for Django's connection."""
    before = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update(USER=user, PASSWORD=password)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@pytest.fixture
def least_privilege(transactional_db: None) -> Iterator[None]:
    """Connect with an account that has what `show_grants` prints, and nothing else.

    The administrator of a throw-away server is root without a password; TEST_DATABASE_ROOT_PASSWORD names another.
    """
    printed = io.StringIO()
    call_command("show_grants", USER, stdout=printed)
    password = secrets.token_hex(16)
    root = ("root", os.environ.get("TEST_DATABASE_ROOT_PASSWORD", ""))
    with connected_as(*root), connection.cursor() as cursor:
        cursor.execute(f"DROP USER IF EXISTS '{USER}'@'%'")
        cursor.execute(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{password}'")
        for statement in printed.getvalue().splitlines():
            cursor.execute(statement)
    with connected_as(USER, password):
        yield
    with connected_as(*root), connection.cursor() as cursor:
        cursor.execute(f"DROP USER '{USER}'@'%'")


@pytest.mark.mariadb
@pytest.mark.usefixtures("least_privilege")
def test_main_paths_and_their_audit_work_with_the_account(node: SteeredRail) -> None:
    history, report = walk(node)

    assert [*report.breaches, *report.waiting] == []
    assert dict(Disbursement.objects.values_list("pk", "state")) == {
        history.paid: "completed",
        history.retried: "completed",
        history.cancelled: "cancelled",
        history.in_flight: "processing",
    }
    assert not JournalTransaction.objects.filter(seal=None).exists()


@pytest.mark.mariadb
@pytest.mark.usefixtures("least_privilege")
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}", "DROP TRIGGER {}_no_delete"]
)
def test_account_is_denied_changes_of_every_append_only_table(statement: str) -> None:
    for table in sorted(append_only_tables()):
        column = _first_column(table)
        with connection.cursor() as cursor, pytest.raises(OperationalError) as refusal:
            cursor.execute(statement.format(table, column, column))
        assert refusal.value.args[0] == COMMAND_DENIED, table


def _first_column(table: str) -> str:
    with connection.cursor() as cursor:
        return str(connection.introspection.get_table_description(cursor, table)[0].name)


@pytest.mark.mariadb
@pytest.mark.usefixtures("least_privilege")
def test_audit_of_the_schema_with_the_account_finds_nothing() -> None:
    """MySQL shows it no trigger, MariaDB no CHECK constraint."""
    assert [breach for invariant in SCHEMA_INVARIANTS for breach in invariant.find(AuditScope(now=NOW))] == []


def locked_by_main_paths(node: SteeredRail, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the tables that the main paths lock. SQLite is asked for the clause too, and runs without it."""
    statements: list[str] = []
    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    monkeypatch.setattr(connection.features, "has_select_for_update_skip_locked", True)

    def record(execute: Any, statement: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(statement)
        return execute(
            FOR_UPDATE.sub("", statement) if connection.vendor == "sqlite" else statement,
            params,
            many,
            context,
        )

    with connection.execute_wrapper(record):
        walk(node)
    return locked_tables(statements)


@pytest.mark.django_db(transaction=True)
def test_main_paths_lock_no_append_only_row(node: SteeredRail, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = locked_by_main_paths(node, monkeypatch)

    assert locked & append_only_tables() == set()
    assert {
        "core_lock",
        "transfers_disbursement",
        "transfers_attempt",
        "core_proposal",
        "fees_feescheduledraft",
    } <= locked


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("SELECT a FROM `t` WHERE a IN (1, 2) FOR UPDATE", {"t"}),
        ('SELECT a FROM "t" INNER JOIN "u" ON (t.id = u.id) FOR UPDATE SKIP LOCKED', {"t", "u"}),
        ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a IN (1)) FOR UPDATE", {"t"}),
        ("SELECT a FROM (SELECT b FROM u WHERE b = 1 FOR UPDATE) held JOIN t ORDER BY a", {"u"}),
        ("SELECT a FROM t LOCK IN SHARE MODE", {"t"}),
        ("SELECT a FROM t", set()),
    ],
)
def test_locked_tables_are_those_of_the_select_with_the_clause(statement: str, tables: set[str]) -> None:
    assert locked_tables([statement]) == tables
