"""The copy of a migrated database that each worker of pytest gets is what the migrations make."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from tests.support import template

COPY = f"test_copy_{os.getpid()}"
# What the server says about tables; the names of databases, sizes and times differ.
DESCRIPTIONS = {
    "tables": ("table_schema", "table_name, table_type, engine, row_format, table_collation, create_options"),
    "columns": (
        "table_schema",
        (
            "table_name, ordinal_position, column_name, column_default, is_nullable, column_type, "
            "character_set_name, collation_name, extra, generation_expression"
        ),
    ),
    "statistics": (
        "table_schema", "table_name, index_name, seq_in_index, column_name, non_unique, sub_part, index_type",
    ),
    "table_constraints": ("table_schema", "table_name, constraint_name, constraint_type"),
    "key_column_usage": (
        "table_schema",
        "table_name, constraint_name, ordinal_position, column_name, referenced_table_name, referenced_column_name",
    ),
    "referential_constraints": (
        "constraint_schema",
        "table_name, constraint_name, referenced_table_name, update_rule, delete_rule, match_option",
    ),
    "check_constraints": ("constraint_schema", "constraint_name, check_clause"),
    "triggers": (
        "trigger_schema",
        (
            "trigger_name, event_object_table, action_order, action_timing, event_manipulation, action_statement, "
            "definer, sql_mode, character_set_client, collation_connection, database_collation"
        ),
    ),
    "routines": ("routine_schema", "routine_name"),
    "events": ("event_schema", "event_name"),
    "schemata": ("schema_name", "schema_name, default_character_set_name, default_collation_name"),
}  # fmt: skip


def _all(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _described(database: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that the server says about a database's tables, and their rows."""
    found = {
        kind: sorted(
            _all(f"SELECT {columns} FROM information_schema.{kind} WHERE {of} = %s", database), key=repr
        )
        for kind, (of, columns) in DESCRIPTIONS.items()
    }
    found["schemata"] = [row[1:] for row in found["schemata"]]
    rows = {
        table: sorted(_all(f"SELECT * FROM {database}.{table}"), key=repr) for table, *_ in found["tables"]
    }
    return {**found, **rows}


@pytest.fixture
def copy(transactional_db: None) -> Iterator[str]:
    """Yield the name of a copy of the template, or of this database where it was migrated itself."""
    source = template.DATABASE if template.FOLDER in os.environ else connection.settings_dict["NAME"]
    ours = connection.settings_dict["NAME"]
    _all(f"CREATE DATABASE {COPY} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    _all(f"USE {COPY}")
    template.copy_tables(connection, source)
    _all(f"USE {ours}")
    yield source
    _all(f"DROP DATABASE {COPY}")


@pytest.mark.mariadb
def test_copy_on_mariadb_has_every_table_constraint_trigger_and_row(copy: str) -> None:
    migrated, copied = _described(copy), _described(COPY)

    assert copied.keys() == migrated.keys()
    for kind, rows in migrated.items():
        assert copied[kind] == rows, kind
    assert len(migrated["triggers"]) > 10
    assert len(migrated["check_constraints"]) > 10


def test_copy_on_sqlite_has_every_table_trigger_and_row(tmp_path: Path) -> None:
    given, filled = sqlite3.connect(tmp_path / "made"), sqlite3.connect(":memory:")
    given.executescript(
        "CREATE TABLE note (id integer PRIMARY KEY, text varchar(9) CHECK (text <> ''), loud GENERATED ALWAYS AS "
        "(upper(text)) STORED); CREATE TRIGGER kept BEFORE DELETE ON note BEGIN SELECT RAISE(ABORT, 'kept'); END; "
        "INSERT INTO note (text) VALUES ('one'), ('two');"
    )
    (tmp_path / "lock").touch()

    empty = SimpleNamespace(vendor="sqlite", connection=filled, ensure_connection=lambda: None)
    template.fill(empty, tmp_path)

    copied = list(filled.iterdump())
    assert copied == list(given.iterdump())
    assert len([line for line in copied if line.startswith("CREATE")]) == 2
    filled.close()
    given.close()


def test_template_that_was_not_made_is_reported_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / "log").write_text("no such column")

    with pytest.raises(template.TemplateNotMade, match="no such column"):
        template.fill(SimpleNamespace(vendor="sqlite"), tmp_path)
