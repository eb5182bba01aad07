"""What an export holds: columns, and a source of rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.text import capfirst

# Text is written as it is, amounts as numbers of the unit in the header, datetimes in Dakar's time.
Cell = str | bool | int | Decimal | datetime | date | None


@dataclass(frozen=True)
class Column:
    """A column: its lazily translated label, the unit of its numbers, and the value of a row."""

    label: Any
    value: Callable[[Any], Cell]
    unit: Any = ""

    @property
    def header(self) -> str:
        label = capfirst(str(self.label))
        return f"{label} ({self.unit})" if self.unit else str(label)


@dataclass(frozen=True)
class ListExport:
    """What the export of a model's list holds. `related` are the foreign keys that its columns read."""

    model: str
    columns: Sequence[Column]
    related: Sequence[str] = ()


@dataclass(frozen=True)
class Source:
    """Where the rows of one export come from.

    `keys` are those of the rows, in any order; `load` returns the rows of some keys with what their columns read.
    `title` and `about` are text for people, in the language of the export.
    """

    title: str
    about: str
    columns: Sequence[Column]
    keys: QuerySet[Any]
    load: Callable[[Sequence[Any]], Sequence[Any]] = field(repr=False)
