"""Migrations depend on nothing that a later change of the code could break."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.migrations import AlterField, AlterModelOptions
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models import CharField, Field

from sunusav.core.migration_operations import NamesOnly
from tests.architecture.code import APPS, ROOT, relative, tree

# What migrations may import of ours: operations, column types and a frozen format of encryption, which never lose a
# name or a meaning.
# `clock.now` is the default of a column: Django compares the callable itself with the model's.
ALLOWED = {
    "sunusav.core.clock", "sunusav.core.fields", "sunusav.core.migration_operations", "sunusav.core.migration_sealing",
}  # fmt: skip
# Migrates an empty database while nothing else of ours can be imported anew, as if it had been deleted.
pytestmark = pytest.mark.each_leg

MIGRATE_ALONE = f"""
import sys
import django
django.setup()
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

packages = {{"sunusav", *(config.name for config in apps.get_app_configs())}}
for name in list(sys.modules):
    if name.partition(".")[0] in {set(APPS)} and name not in packages | {ALLOWED}:
        sys.modules[name] = None
executor = MigrationExecutor(connection)
executor.migrate(executor.loader.graph.leaf_nodes())
with connection.cursor() as cursor:
    cursor.execute("SELECT version, minimum_fee_sats, override_cap_ppm FROM fees_feeschedule")
    print(cursor.fetchall())
    cursor.execute("SELECT position, from_sats, base_rate_ppm FROM fees_feebracket")
    print(cursor.fetchall())
"""


def _migrations() -> list[Path]:
    return [file for app in APPS for file in sorted((ROOT / app).rglob("migrations/[0-9]*.py"))]


def _imports(node: ast.AST) -> Iterator[str]:
    """Yield the modules that a statement imports; of `from package import module` the module itself."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield "." * node.level + (node.module or "")


def _is_ours(module: str) -> bool:
    return module.startswith(".") or module.partition(".")[0] in APPS


@pytest.mark.parametrize("migration", _migrations(), ids=relative)
def test_migration_imports_only_what_never_changes(migration: Path) -> None:
    imported = {module for node in ast.walk(tree(migration)) for module in _imports(node)}

    assert {module for module in imported if _is_ours(module)} <= ALLOWED


def test_migrate_without_our_modules_gives_the_first_fee_schedule() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE_ALONE],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "sunusav.settings.test",
            "MONETIZATION_DATABASE_URL": "sqlite://:memory:",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == ["[(1, 1, 10000)]", "[(0, 0, 10000)]"], done.stderr


def test_names_only_operations_change_nothing_that_a_database_stores() -> None:
    loader = MigrationLoader(None)
    changed = []
    for key, migration in sorted(loader.disk_migrations.items()):
        for operation in migration.operations:
            if isinstance(operation, NamesOnly):
                state = loader.project_state([key], at_end=False)
                changed += [f"{key}: {name}" for name in _stored_changes(operation, key[0], state)]

    assert changed == []


def test_stored_change_in_names_only_operations_is_found() -> None:
    state = MigrationLoader(None).project_state([("fees", "0001_initial")])
    wider = NamesOnly([AlterField("feerecord", "disbursement_ref", CharField(max_length=200))])

    assert list(_stored_changes(wider, "fees", state)) == ["FeeRecord.disbursement_ref"]


def _stored_changes(operations: NamesOnly, app: str, state: ProjectState) -> Iterator[str]:
    for operation in operations.state_operations:
        if isinstance(operation, AlterField):
            model = state.models[app, operation.model_name_lower]
            if _stored(model.fields[operation.name]) != _stored(operation.field):
                yield f"{model.name}.{operation.name}"
        else:
            assert isinstance(operation, AlterModelOptions)


def _stored(field: "Field[Any, Any]") -> tuple[str, str, dict[str, str]]:
    _, path, positional, keywords = field.deconstruct()
    stored = {name: repr(value) for name, value in keywords.items() if name not in field.non_db_attrs}
    return path, repr(positional), stored
