"""Rotation of the master keys: values that an old one encrypts are encrypted again under the new one.

Each app lists such columns in `ENCRYPTED_COLUMNS` of its `encrypted_columns.py`. Their rows have a column `key_id`; it
is empty in rows from before it was added.
"""

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from django.apps import apps
from django.db import transaction
from django.db.models import QuerySet

from sunusav.core.app_modules import collect
from sunusav.core.encryption import (
    current_key_id,
    known_key_ids,
    open_under_master_key,
    seal_under_master_key,
)
from sunusav.core.transactions import retried_on_deadlock

BATCH = 200


@dataclass(frozen=True)
class EncryptedColumn:
    """A column of values encrypted under the master key, each bound to the value of `bound_by` in its row."""

    model: str
    column: str
    bound_by: str

    @property
    def name(self) -> str:
        return f"{self.model}.{self.column}"

    @property
    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = apps.get_model(self.model)._default_manager.all()
        return rows

    @property
    def values(self) -> QuerySet[Any]:
        """Return the rows that have a value."""
        return self.rows.filter(**{f"{self.column}__isnull": False})


@dataclass(frozen=True)
class RotatedBatch:
    """How many values of a batch were encrypted again, and the key of its last row: None when there was no row."""

    done: int
    last: Any


def encrypted_columns() -> list[EncryptedColumn]:
    """Return the columns of all apps."""
    found: list[EncryptedColumn] = collect("encrypted_columns", "ENCRYPTED_COLUMNS")
    return found


def rotate(column: EncryptedColumn) -> int:
    """Encrypt again what an old key encrypts, in batches by primary key; return how many values were."""
    batch = rotate_batch(column, after=None)
    done = batch.done
    while batch.last is not None:
        batch = rotate_batch(column, after=batch.last)
        done += batch.done
    return done


@retried_on_deadlock
def rotate_batch(column: EncryptedColumn, *, after: Any, limit: int = BATCH) -> RotatedBatch:
    """Encrypt again the first values, after a primary key, that the new key does not encrypt, in one transaction.

    A value that changed since it was read is left alone: an erasure wins. So is one that no key opens.
    """
    with transaction.atomic():
        rows = not_rotated(column).order_by("pk")
        found = list((rows if after is None else rows.filter(pk__gt=after))[:limit])
        done = sum(_rotate_row(column, row) for row in found)
    return RotatedBatch(done, found[-1].pk if found else None)


def not_rotated(column: EncryptedColumn) -> QuerySet[Any]:
    """Return the rows whose value the new key does not encrypt."""
    return column.values.exclude(key_id=current_key_id())


def is_unreadable(column: EncryptedColumn) -> bool:
    """Return whether values are left that no configured key opens.

    Rows without a key id are judged by the first of them: whatever wrote them knew one key.
    """
    ids = set(column.rows.order_by().values_list("key_id", flat=True).distinct())
    if ids - known_key_ids() - {""}:
        return True
    oldest = column.values.filter(key_id="").order_by("pk").first() if "" in ids else None
    return oldest is not None and _opened(column, oldest) is None


def _rotate_row(column: EncryptedColumn, row: Any) -> int:
    """Replace one value, unless it has changed since it was read; return how many rows were changed."""
    plain = _opened(column, row)
    if plain is None:
        return 0
    sealed = seal_under_master_key(plain, bound_to=getattr(row, column.bound_by))
    as_read = column.rows.filter(pk=row.pk, **{column.column: getattr(row, column.column)})
    return as_read.update(**{column.column: sealed, "key_id": current_key_id()})


def _opened(column: EncryptedColumn, row: Any) -> bytes | None:
    try:
        return open_under_master_key(
            bytes(getattr(row, column.column)), bound_to=getattr(row, column.bound_by)
        )
    except InvalidTag:
        return None
