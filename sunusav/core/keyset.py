"""Lists by keyset: a page starts beyond the last row of the page before, so that no page costs more than the first.

An order names columns as `order_by` does and ends with the primary key; a position is a row's values of these columns.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core import signing
from django.core.signing import BadSignature
from django.db.models import Q

Position = tuple[Any, ...]
Order = tuple[str, ...]
_MOMENT, _DAY, _DECIMAL = "@", "day", "decimal"

__all__ = ["BadSignature", "Order", "Position", "beyond", "read_cursor", "turned", "write_cursor"]


def beyond(order: Order, position: Position, *, nullable: Collection[str] = ()) -> Q:
    """Return the condition of the rows after a position.

    NULL is before every value, as the databases sort it. The bound of the first column repeats what the rest says: by
    it SQLite, too, starts at the position in the index.
    """
    steps = [
        _Step(name, value, is_nullable=name.removeprefix("-") in nullable)
        for name, value in zip(order, position, strict=True)
    ]
    condition = steps[-1].further
    for step in reversed(steps[:-1]):
        condition = step.further | (step.same & condition)
    return condition if len(steps) == 1 else steps[0].reached & condition


def order_beyond(order: Order, position: Position) -> Order:
    """Return the order of the rows after a position without its first columns that are NULL in all of them.

    NULL comes last where it sorts downwards. MariaDB sorts all these rows anew if it is to order by such a column.
    """
    fixed = 0
    while fixed < len(order) - 1 and order[fixed].startswith("-") and position[fixed] is None:
        fixed += 1
    return order[fixed:]


class _Step:
    """Of one column: what equals a value, what comes after it, and both together."""

    def __init__(self, name: str, value: Any, *, is_nullable: bool) -> None:
        column = name.removeprefix("-")
        is_null = Q(**{f"{column}__isnull": True})
        self.same = is_null if value is None else Q(**{column: value})
        if not name.startswith("-"):
            self.further = ~is_null if value is None else Q(**{f"{column}__gt": value})
            self.reached = Q() if value is None else Q(**{f"{column}__gte": value})
        elif value is None:
            self.further, self.reached = Q(pk__in=[]), is_null
        else:
            or_null = is_null if is_nullable else Q(pk__in=[])
            self.further = Q(**{f"{column}__lt": value}) | or_null
            self.reached = Q(**{f"{column}__lte": value}) | or_null


def turned(order: Order) -> Order:
    """Return the opposite order."""
    return tuple(name.removeprefix("-") if name.startswith("-") else f"-{name}" for name in order)


def write_cursor(position: Sequence[Any], *, salt: str) -> str:
    """Return a position as a signed text for a URL."""
    return signing.dumps([_written(value) for value in position], salt=salt)


def read_cursor(cursor: str, *, salt: str) -> Position:
    """Return the position in a cursor. Raises: BadSignature for one that was not written with this salt."""
    return tuple(_read(value) for value in signing.loads(cursor, salt=salt))


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_MOMENT: value.isoformat()}
    if isinstance(value, date):
        return {_DAY: value.isoformat()}
    return {_DECIMAL: str(value)} if isinstance(value, Decimal) else value


def _read(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    readers: dict[str, Callable[[str], Any]] = {
        _MOMENT: datetime.fromisoformat,
        _DAY: date.fromisoformat,
        _DECIMAL: Decimal,
    }
    return readers[kind](text)
