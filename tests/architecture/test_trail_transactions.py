"""A line of the trail and the change it reports are one transaction: without the line, nothing has changed."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav.core.app_modules import collect
from sunusav.core.models import TrailEntry
from sunusav.core.subjects import kind_name, known_kinds
from tests.architecture.calls import callers_of
from tests.architecture.trail_cases import CASES, COMMITTED_BEFORE, STORED_ERRORS
from tests.support import flush
from tests.support.triggers import refusing_inserts
from transfers.collectors import collector
from transfers.rails import rail

# Keys of persons are made before their first use; the rest is Django's own.
NOT_COMPARED = {
    "PersonKey",
    "Session",
    "StaffSession",
    "ContentType",
    "Permission",
    "LogEntry",
    "PeriodicTasks",
}
# They always join their caller's transaction. tests/transfers/test_trail_transactions.py holds the engine.
JOINING = ("sunusav.core.trail.", "sunusav.core.transitions.", "transfers.engine.")
# Interfaces call one service each.
INTERFACES = {
    "views", "outgoing", "pages", "tasks", "listener", "sandbox", "login_steps", "security", "code_first", "site",
    "search_page",
}  # fmt: skip


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
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


def _is_service(name: str) -> bool:
    *module, function = name.split(".")
    is_private = function.startswith("_")
    is_interface = function == "Command" or function.endswith("Form") or set(module) & INTERFACES
    return not (is_private or name.startswith(JOINING) or is_interface)


def test_every_service_that_writes_to_the_trail_has_a_case() -> None:
    writers = {name for name in callers_of("sunusav.core.trail.record_all") if _is_service(name)}
    assert writers - set(CASES) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("service", sorted(CASES))
def test_subject_of_every_line_is_of_a_kind_that_an_app_has(service: str) -> None:
    kinds = known_kinds().keys() | {item.kind for item in collect("approvables", "APPROVABLES")}

    CASES[service]()()

    assert {kind_name(subject) for subject in TrailEntry.objects.values_list("subject", flat=True)} <= kinds


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("service", sorted(CASES))
def test_service_whose_trail_line_cannot_be_written_changes_nothing(service: str) -> None:
    for action in _actions_of(service):
        call = CASES[service]()
        before = _rows(service)
        with (
            refusing_inserts(connection, "core_trailentry", when=f"NEW.action = '{action}'"),
            nullcontext()
            if service in STORED_ERRORS
            else pytest.raises(DatabaseError, match="takes no rows"),
        ):
            call()
        assert STORED_ERRORS.get(service, lambda: True)(), action
        assert _rows(service) == before, action


def _actions_of(service: str) -> list[str]:
    """Make the call once; return the actions of the lines that it wrote."""
    call = CASES[service]()
    last = TrailEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    call()
    actions = TrailEntry.objects.filter(pk__gt=last).order_by("pk").values_list("action", flat=True)
    assert actions, f"{service} wrote no line"
    return sorted(set(actions))


def _rows(service: str) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """Return the columns and rows of each table that holds any, as the database stores them."""
    ignored = NOT_COMPARED | COMMITTED_BEFORE[service]
    keys = {
        model._meta.db_table: model._meta.pk.attname
        for model in apps.get_models()
        if model.__name__ not in ignored
    }
    rows = {}
    with connection.cursor() as cursor:
        for table in sorted(keys.keys() & set(flush.tables_with_rows(connection))):
            key = connection.ops.quote_name(keys[table])
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY {key}")
            rows[table] = ([column[0] for column in cursor.description], list(cursor.fetchall()))
    return rows
