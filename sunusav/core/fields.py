"""Column types that mean the same on MySQL, MariaDB and SQLite."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, F, Value, When
from django.db.models.lookups import StartsWith
from django.db.models.sql.compiler import SQLCompiler

IDENTIFIER_LENGTH = 64


def validate_identifier(value: str) -> None:
    """Refuse what cannot be a platform identifier.

    It has at most 64 characters, no `/`, no leading or trailing blanks and no control characters.
    """
    if not value or len(value) > IDENTIFIER_LENGTH or value != value.strip():
        raise ValidationError("An identifier has 1 to 64 characters and no outer blanks.", code="identifier")
    if "/" in value or not value.isprintable():
        raise ValidationError("An identifier has no slash and no control characters.", code="identifier")


class ExactCharField(models.CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Text compared byte by byte on every engine: MySQL's default collations would fold case and accents."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


@ExactCharField.register_lookup
class ExactStartsWith(StartsWith):
    """A prefix that an index finds on MySQL and MariaDB too.

    Django writes `LIKE BINARY`, which no index answers, because other collations would fold case. This one does not.
    """

    def as_mysql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        column, column_params = self.process_lhs(compiler, connection)
        pattern, pattern_params = self.process_rhs(compiler, connection)
        return f"{column} LIKE {pattern}", [*column_params, *pattern_params]


class ExactDecimalField(models.DecimalField):  # type: ignore[type-arg]  # not subscriptable at run time
    """A decimal that every engine keeps exactly: SQLite keeps fifteen digits of a number, and all of a text.

    There it compares as text, which is right only between a decimal from 0 to below 10 and bounds like these.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        if connection.vendor == "sqlite":
            return "text"
        return f"numeric({self.max_digits}, {self.decimal_places})"

    def get_internal_type(self) -> str:
        """Keep SQLite's converter, which expects a floating-point number, away."""
        return "ExactDecimalField"

    def from_db_value(self, value: Any, *_: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class IdentifierField(ExactCharField):
    """A platform identifier: a case-sensitive string of up to 64 characters."""

    default_validators = [validate_identifier]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_length"] = IDENTIFIER_LENGTH
        super().__init__(*args, **kwargs)


def kept_while(column: str, kind: models.Field[Any, Any], **condition: Any) -> models.GeneratedField:
    """Return a stored generated column: the value of `column` while the condition holds, else NULL.

    With a unique constraint it replaces the conditional one that MariaDB and MySQL lack. `kind` is a nullable field.
    """
    return models.GeneratedField(
        expression=Case(
            When(**condition, then=F(column)), default=Value(None), output_field=copy.deepcopy(kind)
        ),
        output_field=kind,
        db_persist=True,
    )
