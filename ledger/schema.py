"""What the database itself must refuse, compared with what its schema really holds (I14)."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader

from sunusav.core.migration_operations import AppendOnly, LiftAppendOnly


def missing_rules() -> Iterator[tuple[str, str]]:
    """Yield (table, rule) for each unique rule and each named CHECK of a model that the database does not hold."""
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.managed and not model._meta.proxy:
                held = connection.introspection.get_constraints(cursor, model._meta.db_table)
                yield from ((model._meta.db_table, rule) for rule in _missing_from(model, held))


def _missing_from(model: type[models.Model], held: dict[str, Any]) -> Iterator[str]:
    rules = (found for found in held.values() if found["unique"] or found["primary_key"])
    unique = {frozenset(found["columns"]) for found in rules}
    for name, columns in _unique_rules(model):
        if frozenset(columns) not in unique:
            yield f"unique rule missing: {name}"
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint) and constraint.name not in held:
            yield f"check missing: {constraint.name}"


def missing_triggers() -> Iterator[tuple[str, str]]:
    """Yield (table, trigger) for each trigger that a migration made and that is no longer there."""
    there = _triggers()
    for table in sorted(append_only_tables()):
        for name in (f"{table}_no_update", f"{table}_no_delete"):
            if name not in there:
                yield table, name


def append_only_tables() -> set[str]:
    """Return every table that the migrations, in the order of their names, made append-only and left so."""
    tables: set[str] = set()
    for _, migration in sorted(MigrationLoader(connection).disk_migrations.items()):
        for operation in migration.operations:
            if isinstance(operation, LiftAppendOnly):
                tables.discard(operation.table)
            elif isinstance(operation, AppendOnly):
                tables.add(operation.table)
    return tables


def _unique_rules(model: type[models.Model]) -> Iterator[tuple[str, list[str]]]:
    for field in model._meta.local_concrete_fields:
        if field.unique:
            yield f"{field.name} is unique", [str(field.column)]
    columns = {field.name: str(field.column) for field in model._meta.local_concrete_fields}
    for constraint in model._meta.total_unique_constraints:
        yield constraint.name, [columns[name] for name in constraint.fields]


def _triggers() -> set[str]:
    statement = (
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        if connection.vendor == "mysql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {str(name) for (name,) in cursor.fetchall()}
