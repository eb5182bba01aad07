"""What somebody with the database's password could do: triggers, foreign keys and checks out of the way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction

from ledger.invariants.schema import append_only_tables
from sunusav.core.migration_operations import AppendOnly


def drop_triggers() -> None:
    """Take the triggers of all append-only tables away."""
    for table in sorted(append_only_tables()):
        AppendOnly(table).database_backwards("", _Plain(), None, None)  # type: ignore[arg-type]


def put_triggers_back() -> None:
    """Create them again."""
    for table in sorted(append_only_tables()):
        AppendOnly(table).database_forwards("", _Plain(), None, None)  # type: ignore[arg-type]


def drop_constraint(model: type[models.Model], name: str) -> None:
    """Take one named constraint off a table."""
    constraint, kept = _named(model, name), model._meta.constraints
    # SQLite has no DROP CONSTRAINT: the table is made anew, from what the model then says.
    model._meta.constraints = [other for other in kept if other is not constraint]
    try:
        with connection.schema_editor() as editor:
            editor.remove_constraint(model, constraint)
    finally:
        model._meta.constraints = kept


def put_constraint_back(model: type[models.Model], name: str) -> None:
    """Put it on again; the table must hold no row that breaks it."""
    with connection.schema_editor() as editor:
        editor.add_constraint(model, _named(model, name))


@contextmanager
def tampered_with() -> Iterator[None]:
    """Look at no foreign key and no CHECK while the block runs, and undo in the end all that it did."""
    _look_away(away=True)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        _look_away(away=False)


def sql(statement: str, *values: Any) -> None:
    """Run one statement, which must touch exactly one row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1, f"{cursor.rowcount} rows: {statement}"


class _Plain:
    """As much of a schema editor as a trigger needs; the real one would look at every foreign key of SQLite."""

    connection = connection

    def execute(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _named(model: type[models.Model], name: str) -> models.BaseConstraint:
    return next(constraint for constraint in model._meta.constraints if constraint.name == name)


def _look_away(*, away: bool) -> None:
    """SQLite's foreign keys are deferred to a commit that does not come."""
    statements = (
        [f"SET check_constraint_checks = {int(not away)}", f"SET foreign_key_checks = {int(not away)}"]
        if connection.vendor == "mysql"
        else [f"PRAGMA ignore_check_constraints = {int(away)}"]
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
