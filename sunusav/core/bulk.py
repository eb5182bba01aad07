"""Many rows in one statement, on every database we support."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, TypeVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, QuerySet
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=models.Model)


def insert_all(rows: Sequence[Row], *, by: str) -> None:
    """Insert rows in one statement and give them their keys; `by` is a unique field of theirs.

    MySQL tells no keys of a multi-row INSERT, so they are read back there.
    """
    if len(rows) == 1:
        rows[0].save(force_insert=True)
        return
    manager = type(rows[0])._base_manager
    manager.bulk_create(rows)
    if any(row.pk is None for row in rows):
        value_of = attrgetter(by)
        stored = manager.filter(**{f"{by}__in": [value_of(row) for row in rows]})
        keys = dict(stored.values_list(by, "pk"))
        for row in rows:
            row.pk = keys[value_of(row)]


def update_each(rows: QuerySet[Row], own: Mapping[int, Mapping[str, Any]], **same: Any) -> int:
    """Give each of these rows, by key, its own values and all of them the same ones; return how many there were.

    One UPDATE, which names what `rows` filters on as well.
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
    """The value of each row by its key. Django's own CASE resolves every branch by itself, which costs a lot."""

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
