"""The database has the constraints of the models and the append-only triggers of the migrations."""

from collections.abc import Iterator
from functools import cache

from django.apps import apps
from django.db import models
from django.db.migrations.loader import MigrationLoader

from ledger import sql
from sunusav.core.auditing import AuditScope, Breach, Invariant
from sunusav.core.migration_operations import AppendOnly, LiftAppendOnly


def _schema_refuses(scope: AuditScope) -> Iterator[Breach]:
    for table, problem in _missing_rules():
        yield Breach("I14", f"table:{table}", problem)
    for table, trigger in _missing_triggers():
        yield Breach("I14", f"table:{table}", f"trigger missing: {trigger}")


def _missing_rules() -> Iterator[tuple[str, str]]:
    """Yield (table, problem) for each unique rule and named CHECK of a model that the database lacks.

    Django's introspection would parse every CHECK as SQL, which takes seconds.
    """
    keys = sql.unique_keys()
    for model in apps.get_models():
        table = model._meta.db_table
        if model._meta.managed and not model._meta.proxy:
            yield from ((table, problem) for problem in _missing_from(model, keys.get(table, set())))


def _missing_from(model: type[models.Model], keys: set[frozenset[str]]) -> Iterator[str]:
    for name, columns in _unique_rules(model):
        if frozenset(columns) not in keys:
            yield f"unique rule missing: {name}"
    checks = {str(rule.name) for rule in model._meta.constraints if isinstance(rule, models.CheckConstraint)}
    missing = checks - sql.check_names(model._meta.db_table) if checks else set()
    for name in sorted(missing):
        yield f"check missing: {name}"


def _unique_rules(model: type[models.Model]) -> Iterator[tuple[str, list[str]]]:
    for field in model._meta.local_concrete_fields:
        if field.unique:
            yield f"{field.name} is unique", [str(field.column)]
    columns = {field.name: str(field.column) for field in model._meta.local_concrete_fields}
    for constraint in model._meta.total_unique_constraints:
        yield constraint.name, [columns[name] for name in constraint.fields]


def _missing_triggers() -> Iterator[tuple[str, str]]:
    """Yield each trigger that is missing or not seen, unless this account could not change the rows anyway.

    Only an account that may drop a trigger sees it.
    """
    present = sql.trigger_names()
    for table, column in sorted(_append_only_keys()):
        for verb in ("update", "delete"):
            name = f"{table}_no_{verb}"
            if name not in present and not sql.is_denied(verb, table=table, column=column):
                yield table, name


def _append_only_keys() -> Iterator[tuple[str, str]]:
    """Yield each append-only table with the column of its key."""
    keys = {model._meta.db_table: str(model._meta.pk.column) for model in apps.get_models()}
    yield from ((table, keys[table]) for table in append_only_tables())


@cache
def append_only_tables() -> frozenset[str]:
    """Return every table that the migrations, in the order of their names, made append-only and left so."""
    tables: set[str] = set()
    for _, migration in sorted(MigrationLoader(None).disk_migrations.items()):
        for operation in migration.operations:
            if isinstance(operation, LiftAppendOnly):
                tables.discard(operation.table)
            elif isinstance(operation, AppendOnly):
                tables.add(operation.table)
    return frozenset(tables)


SCHEMA_INVARIANTS = [
    Invariant("I14", "uniqueness, checks and append-only triggers are in the schema", _schema_refuses),
]
