"""Which order of a list, and which of its filters, an index answers without reading other rows."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from django.db import models

from sunusav.core.keyset import Order

Columns = tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """An order, and the columns whose filters are answered by the same index."""

    order: Order
    answered: frozenset[str]


@cache
def indexes_of(model: type[models.Model]) -> tuple[Columns, ...]:
    """Return the columns of each index of a model that order rows in full.

    Every index ends with the primary key, except that MariaDB does not read unique ones in its order. Those that allow
    NULL order nothing; the others do so without it.
    """
    key = key_of(model)
    found = [tuple(name.removeprefix("-") for name in index.fields) for index in model._meta.indexes]
    found += [(field.name,) for field in model._meta.concrete_fields if _has_plain_index(field)]
    plain = [_with_key(_columns(model, names), key) for names in found if names]
    return tuple(dict.fromkeys([(key,), *(one for one in unique_of(model) if _is_total(model, one)), *plain]))


@cache
def unique_of(model: type[models.Model]) -> tuple[Columns, ...]:
    """Return the columns of each unique index of a model."""
    constraints = [one for one in model._meta.constraints if isinstance(one, models.UniqueConstraint)]
    found = [tuple(one.fields) for one in constraints if one.condition is None and one.fields]
    found += [tuple(names) for names in model._meta.unique_together]
    found += [(field.name,) for field in model._meta.concrete_fields if field.unique]
    return tuple(_columns(model, names) for names in found)


def total_order(model: type[models.Model], columns: Columns) -> Columns:
    """Return the shortest order by these columns that no two rows share: with the primary key, unless they suffice."""
    for length in range(1, len(columns) + 1):
        if columns[:length] in unique_of(model) and _is_total(model, columns[:length]):
            return columns[:length]
    return _with_key(columns, key_of(model))


def key_of(model: type[models.Model]) -> str:
    """Return the name of a model's primary key in rows and orders."""
    return str(_field(model, cast(Any, model._meta.pk).name).attname)


def _has_plain_index(field: Any) -> bool:
    return bool(field.db_index) and not field.unique


def _columns(model: type[models.Model], names: Columns) -> Columns:
    return tuple(str(_field(model, name).attname) for name in names)


def _is_total(model: type[models.Model], columns: Columns) -> bool:
    return not any(field.null for field in model._meta.concrete_fields if field.attname in columns)


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name)


def _with_key(columns: Columns, key: str) -> Columns:
    return columns[: columns.index(key) + 1] if key in columns else (*columns, key)


def sort_by(model: type[models.Model], column: str) -> Columns | None:
    """Return the shortest order that begins with a column and that an index answers."""
    found = [columns for columns in indexes_of(model) if columns[0] == column]
    return min(found, key=len) if found else None


def plan_for(
    model: type[models.Model], order: Order, *, equal: Collection[str], ranges: Collection[str] = ()
) -> Plan:
    """Return the index that answers this order and the most of these filters.

    `equal` are the columns that filters compare with one value, `ranges` those with a range of values.
    """
    wanted = tuple(name.removeprefix("-") for name in order)
    single = next((columns for columns in unique_of(model) if set(columns) <= set(equal)), ())
    if single:  # one row at most
        return Plan(order, frozenset(single))
    plans = [
        Plan(order, frozenset(columns[:length]) | ({wanted[0]} & set(ranges)))
        for columns in indexes_of(model)
        for length in _lengths(columns, equal)
        if columns[length : length + len(wanted)] == wanted
    ]
    return max(plans, key=lambda plan: len(plan.answered), default=Plan(order, frozenset()))


def plans_in_own_order(
    model: type[models.Model], order: Order, *, equal: Collection[str], ranges: Collection[str]
) -> list[Plan]:
    """Return, for each index that answers some of these filters, the plan that reads it in its own order."""
    sign = "-" if order[0].startswith("-") else ""
    plans = []
    for columns in indexes_of(model):
        length = _lengths(columns, equal)[-1]
        rest = columns[length:]
        answered = frozenset(columns[:length]) | ({rest[0]} & set(ranges) if rest else set())
        if answered and rest:
            plans.append(Plan(tuple(f"{sign}{name}" for name in rest), answered))
    return sorted(plans, key=lambda plan: -len(plan.answered))


def _lengths(columns: Columns, equal: Collection[str]) -> range:
    """Return how many of an index's first columns may be fixed by these filters: none, one, up to all."""
    length = next((place for place, column in enumerate(columns) if column not in equal), len(columns))
    return range(length + 1)


def known_before(model: type[models.Model], name: str) -> dict[str, list[object]]:
    """Return lookups that list the values of the columns before this one in an index; nothing where it comes first.

    An index of a few kinds and a key then finds the key, with one look per kind.
    """
    every = (*indexes_of(model), *unique_of(model))
    if name == "pk" or any(columns[0] == name for columns in every):
        return {}
    for columns in every:
        before = columns[: columns.index(name)] if name in columns else ()
        choices = {one: [value for value, _label in _field(model, one).flatchoices] for one in before}
        if choices and all(choices.values()):
            return {f"{one}__in": values for one, values in choices.items()}
    return {}
