"""Write what somebody with the database's password could write: without triggers, foreign keys and checks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction

from ledger.invariants.schema import append_only_tables
from sunusav.core.migration_operations import AppendOnly


def drop_triggers() -> None:
    """Drop the triggers of all append-only tables."""
    for table in sorted(append_only_tables()):
        AppendOnly(table).database_backwards("", _StatementRunner(), None, None)  # type: ignore[arg-type]


def put_triggers_back() -> None:
    """Create them again."""
    for table in sorted(append_only_tables()):
        AppendOnly(table).database_forwards("", _StatementRunner(), None, None)  # type: ignore[arg-type]


def drop_constraint(model: type[models.Model], name: str) -> None:
    """Drop one named constraint of a table."""
    constraint, kept = _named(model, name), model._meta.constraints
    # SQLite has no DROP CONSTRAINT: Django creates the table again from the constraints that the model has now.
    model._meta.constraints = [other for other in kept if other is not constraint]
    try:
        with connection.schema_editor() as editor:
            editor.remove_constraint(model, constraint)
    finally:
        model._meta.constraints = kept


def put_constraint_back(model: type[models.Model], name: str) -> None:
    """Create it again; the table must hold no row that violates it."""
    with connection.schema_editor() as editor:
        editor.add_constraint(model, _named(model, name))


@contextmanager
def tampered_with() -> Iterator[None]:
    """Check no foreign key and no CHECK constraint inside the block, and roll it back at the end."""
    _set_checks(on=False)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        _set_checks(on=True)


def sql(statement: str, *values: Any) -> None:
    """Run one statement, which must touch exactly one row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1, f"{cursor.rowcount} rows: {statement}"


class _StatementRunner:
    """The part of a schema editor that a trigger needs; the real one checks every foreign key of SQLite."""

    connection = connection

    def execute(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _named(model: type[models.Model], name: str) -> models.BaseConstraint:
    return next(constraint for constraint in model._meta.constraints if constraint.name == name)


def _set_checks(*, on: bool) -> None:
    """Turn checks and foreign keys on or off; SQLite checks foreign keys at a commit, which the caller never makes."""
    statements = (
        [f"SET check_constraint_checks = {int(on)}", f"SET foreign_key_checks = {int(on)}"]
        if connection.vendor == "mysql"
        else [f"PRAGMA ignore_check_constraints = {int(not on)}"]
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
