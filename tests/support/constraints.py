"""Rows that violate one constraint each, and the check that the database refuses them by the name of the constraint.

Every app lists its own in `tests/<app>/violations.py`; `tests/architecture/test_constraints.py` stores each of them
and fails for a constraint without one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Field, Model, UniqueConstraint

TESTS = Path(__file__).resolve().parent.parent
PACKAGES = {path.parent.name for path in TESTS.parent.glob("*/__init__.py")} - {"tests", "bench"}

Changes = Mapping[str, Any] | Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Violation:
    """A stored row and the changes that turn a copy of it into one that the constraint forbids."""

    constraint: str
    row: Callable[[], Model]
    changes: Changes

    def forbidden_row(self) -> Model:
        """Return the unsaved copy; the row it was copied from is stored."""
        row = self.row()
        changes = self.changes(row) if callable(self.changes) else self.changes
        forbidden: Model = copy_of(row, **changes)
        return forbidden

    def __str__(self) -> str:
        return self.constraint


def violations() -> list[Violation]:
    """Return the violations that all apps list."""
    modules = [f"tests.{file.parent.name}.violations" for file in sorted(TESTS.glob("*/violations.py"))]
    return [violation for module in modules for violation in import_module(module).VIOLATIONS]


def copy_of(row: Any, **changes: Any) -> Any:
    """Return an unsaved copy of a row with some columns changed."""
    fields = [
        field for field in row._meta.concrete_fields if not _is_automatic(field) and not field.generated
    ]
    return type(row)(**{**{field.attname: getattr(row, field.attname) for field in fields}, **changes})


def _is_automatic(field: Any) -> bool:
    return bool(field.primary_key) and field.get_internal_type() in {"AutoField", "BigAutoField"}


def unique_columns() -> dict[str, list[str]]:
    """Return the columns of each unique constraint and of each unique column of our models, by name.

    A unique column has no constraint of its own in Django; it is named `table.column` here.
    """
    found: dict[str, list[str]] = {}
    for model in _models():
        table = model._meta.db_table
        for constraint in model._meta.constraints:
            if isinstance(constraint, UniqueConstraint):
                names = [model._meta.get_field(name) for name in constraint.fields]
                found[constraint.name] = [f"{table}.{_column(field)}" for field in names]
        for field in model._meta.local_concrete_fields:
            if field.unique and not field.primary_key:
                found[f"{table}.{field.column}"] = [f"{table}.{field.column}"]
    return found


def constraints() -> set[str]:
    """Return the names of all constraints of our models, unique columns included."""
    return {constraint.name for model in _models() for constraint in model._meta.constraints} | set(
        unique_columns()
    )


@contextmanager
def refuses(constraint: str) -> Iterator[None]:
    """Assert that the database refuses the statement of the block and names exactly this constraint."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        yield
    assert _named_in(str(refusal.value)) == _name_on(connection.vendor, constraint)


def _named_in(message: str) -> str:
    """Return the constraint, key or columns that an error of SQLite, MariaDB or MySQL names."""
    patterns = [
        r"^(?:CHECK|UNIQUE) constraint failed: (.+)$",  # SQLite; for a unique constraint it names the columns
        r"CONSTRAINT `([^`]+)` failed for",  # MariaDB
        r"Check constraint '([^']+)' is violated",  # MySQL
        r"Duplicate entry '.*' for key '(?:\w+\.)?(\w+)'",
    ]
    found = [match[1] for pattern in patterns if (match := re.search(pattern, message, re.DOTALL))]
    return found[0] if found else message


def _name_on(vendor: str, constraint: str) -> str:
    if vendor == "sqlite" and constraint in (columns := unique_columns()):
        return ", ".join(columns[constraint])
    return constraint.partition(".")[2] or constraint


def _column(field: Any) -> str:
    assert isinstance(field, Field)
    return str(field.column)


def _models() -> list[type[Model]]:
    return [model for model in apps.get_models() if model.__module__.partition(".")[0] in PACKAGES]
