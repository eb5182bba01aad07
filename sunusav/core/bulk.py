"""Insert or update many rows in one statement, on every supported database."""

from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, QuerySet
from django.db.models.sql.compiler import SQLCompiler

from sunusav.core.sql import placeholders

Row = TypeVar("Row", bound=models.Model)

# SQLite takes at most 32,766 values in a statement.
AT_ONCE = 500


def insert_all(rows: Sequence[Row], *, by: str) -> None:
    """Insert new rows of one table and set their keys; `by` names a field in which they differ.

    MySQL returns no keys from a multi-row INSERT: there they are read back by that field. Of rows with the same value
    the newest is the one inserted here, so nobody else may insert one with it at the same time.
    """
    for start in range(0, len(rows), AT_ONCE):
        batch = rows[start : start + AT_ONCE]
        for row, key in zip(batch, _insert(batch) or _keys(batch, by), strict=True):
            row.pk = key


def _keys(rows: Sequence[models.Model], by: str) -> list[int]:
    value_of = attrgetter(by)
    stored = type(rows[0])._base_manager.filter(**{f"{by}__in": [value_of(row) for row in rows]})
    keys = dict(stored.order_by("pk").values_list(by, "pk"))
    return [keys[value_of(row)] for row in rows]


def insert(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one table without setting their keys.

    Not `bulk_create`: it builds the statement again for every field of every row.
    """
    for start in range(0, len(rows), AT_ONCE):
        _insert(rows[start : start + AT_ONCE])


def _insert(rows: Sequence[models.Model]) -> list[int]:
    """Insert rows; return their keys, or an empty list where the database does not return them."""
    statement, line, fields = _insert_into(type(rows[0]))
    database = connections[DEFAULT_DB_ALIAS]  # `connection` would look this up again for every value
    values = [
        field.get_db_prep_save(field.pre_save(row, add=True), database) for row in rows for field in fields
    ]
    with database.cursor() as cursor:
        if len(rows) == 1:
            cursor.execute(statement + line, values)
            keys = [int(cursor.lastrowid)]
        else:
            returns_keys = database.features.can_return_rows_from_bulk_insert
            cursor.execute(statement + ", ".join([line] * len(rows)) + " RETURNING id" * returns_keys, values)
            keys = [int(key) for (key,) in cursor.fetchall()] if returns_keys else []
    for row in rows:
        row._state.adding, row._state.db = False, database.alias
    return keys


@cache
def _insert_into(model: type[models.Model]) -> tuple[str, str, "list[models.Field[Any, Any]]"]:
    """Return the beginning of an INSERT, its placeholders for one row, and the fields it writes."""
    meta, quoted = model._meta, connection.ops.quote_name
    fields = [field for field in meta.concrete_fields if not (field.generated or field is meta.pk)]
    columns = ", ".join(quoted(str(field.column)) for field in fields)
    beginning = f"INSERT INTO {quoted(meta.db_table)} ({columns}) VALUES "  # noqa: S608  (our own table's names)
    return beginning, f"({placeholders(fields)})", fields


def update_each(rows: QuerySet[Row], own: Mapping[int, Mapping[str, Any]], **same: Any) -> int:
    """Set values per row (`own`, by key) and values common to all (`same`); return how many rows matched.

    One UPDATE, restricted by the conditions of `rows`.
    """
    if len(own) == 1:
        ((pk, values),) = own.items()
        return rows.filter(pk=pk).update(**values, **same)
    names = next(iter(own.values()), {})
    return rows.filter(pk__in=own).update(**{name: _own(rows, name, own) for name in names}, **same)


def _own(rows: QuerySet[Row], name: str, own: Mapping[int, Mapping[str, Any]]) -> "_ByKey":
    field = rows.model._meta.get_field(name)
    assert isinstance(field, models.Field), "a column has a value"  # noqa: S101  (a programmer's mistake)
    return _ByKey(field, {pk: values[name] for pk, values in own.items()})


class _ByKey(Expression):
    """A CASE over primary keys. Not Django's `Case`: it resolves every branch separately, which is slow."""

    def __init__(self, field: "models.Field[Any, Any]", values: Mapping[int, Any]) -> None:
        super().__init__(output_field=field)
        self._field, self._values = field, values

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        key = compiler.quote_name_unless_alias(str(self._field.model._meta.pk.column))
        params = tuple(
            param
            for pk, value in self._values.items()
            for param in (pk, self._field.get_db_prep_save(value, connection))
        )
        return f"CASE {key}{' WHEN %s THEN %s' * len(self._values)} END", params
