"""Migration operations that Django lacks."""

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.special import SeparateDatabaseAndState

_MYSQL = (
    "CREATE TRIGGER {table}_no_{verb} BEFORE {VERB} ON {table} FOR EACH ROW "
    "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{table} is append-only'"
)
_SQLITE = (
    "CREATE TRIGGER {table}_no_{verb} BEFORE {VERB} ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
)


class AppendOnly(Operation):
    """Forbid UPDATE and DELETE on a table by triggers, on MySQL, MariaDB and SQLite.

    SQLite drops a table's triggers whenever a later migration rebuilds it: repeat this operation there.
    It can be run again after a migration that failed half-way: MySQL and MariaDB commit each statement.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str) -> None:
        self.table = table

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: triggers are not part of the models' state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        template = _MYSQL if schema_editor.connection.vendor == "mysql" else _SQLITE
        for verb in ("update", "delete"):
            self._drop(schema_editor, verb)
            schema_editor.execute(template.format(table=self.table, verb=verb, VERB=verb.upper()))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        for verb in ("update", "delete"):
            self._drop(schema_editor, verb)

    def describe(self) -> str:
        return f"Make {self.table} append-only"

    def _drop(self, schema_editor: BaseDatabaseSchemaEditor, verb: str) -> None:
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {self.table}_no_{verb}")


class LiftAppendOnly(AppendOnly):
    """Drop the triggers of `AppendOnly`, so that a migration can rename the table or rewrite its rows."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        super().database_backwards(app_label, schema_editor, to_state, from_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        super().database_forwards(app_label, schema_editor, to_state, from_state)

    def describe(self) -> str:
        return f"Let {self.table} be changed"


class NamesOnly(SeparateDatabaseAndState):
    """Change what only people read (names, help texts, permissions' names) of many fields at once, without SQL."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__(state_operations=operations)

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Apply the operations to models that are not built: Django would build them anew for every field."""
        state.__dict__.pop("apps", None)
        super().state_forwards(app_label, state)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.state_operations], {}

    def describe(self) -> str:
        return "Change names that people read"
