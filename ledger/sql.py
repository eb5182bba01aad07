"""The raw SQL of this app, each statement beside its ORM twin; a test shows on every engine that both agree.

Raw because posting is on the path of every payment, and because of how a refused row is undone: `save()` marks the
caller's whole transaction as broken when a unique rule refuses a row. MySQL, MariaDB and SQLite undo the refused
statement alone; savepoints would double the round trips.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import connection

from ledger.models import Account, JournalEntry, JournalTransaction
from ledger.types import Line, Posting
from sunusav.core.sql import adapted

_INSERT_TRANSACTION: Final = (
    f"INSERT INTO {JournalTransaction._meta.db_table} "  # noqa: S608  (our own table's name)
    "(kind, reference, subject, posted_at, recorded_at, reverses_id) VALUES (%s, %s, %s, %s, %s, %s)"
)
# The account is found by its code in the same statement: a cache of ids could outlive a rollback.
# An account that does not exist yet gives NULL, which the database refuses together with the whole statement.
_INSERT_ENTRIES: Final = (
    f"INSERT INTO {JournalEntry._meta.db_table} (transaction_id, account_id, currency, amount) VALUES "  # noqa: S608
)
_ENTRY: Final = f"(%s, (SELECT id FROM {Account._meta.db_table} WHERE code = %s), %s, %s)"  # noqa: S608


def insert_transaction(posting: Posting, *, recorded_at: datetime) -> int:
    """Insert a transaction without its entries and return its id. Raises: IntegrityError."""
    values = [
        posting.kind, posting.reference, posting.subject, posting.at, recorded_at, posting.reverses_id,
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_TRANSACTION, adapted(values))
        return int(cursor.lastrowid)


def insert_transaction_by_orm(posting: Posting, *, recorded_at: datetime) -> int:
    row = JournalTransaction.objects.create(
        kind=posting.kind, reference=posting.reference, subject=posting.subject, posted_at=posting.at,
        recorded_at=recorded_at, reverses_id=posting.reverses_id,
    )  # fmt: skip
    return int(row.pk)


def insert_entries(transaction_id: int, lines: Sequence[Line]) -> None:
    """Insert the entries of a transaction. Raises: IntegrityError, when an account does not exist."""
    values = [
        value
        for line in lines
        for value in (transaction_id, line.account.code, line.account.currency.value, line.amount)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT_ENTRIES + ", ".join([_ENTRY] * len(lines)), values)


def insert_entries_by_orm(transaction_id: int, lines: Sequence[Line]) -> None:
    codes = [line.account.code for line in lines]
    ids = dict(Account.objects.filter(code__in=codes).values_list("code", "id"))
    entries = [
        JournalEntry(  # type: ignore[misc]  # an account that does not exist gives NULL here too
            transaction_id=transaction_id, account_id=ids.get(line.account.code),
            currency=line.account.currency, amount=line.amount,
        )
        for line in lines
    ]  # fmt: skip
    JournalEntry.objects.bulk_create(entries)


def read_one_snapshot() -> None:
    """Have the next transaction read one moment: under READ COMMITTED two sums could see two moments.

    SQLite does so anyway. The ORM cannot set the level of one transaction.
    """
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def trigger_names() -> set[str]:
    """Return the triggers of this database. Django's introspection does not list them."""
    statement = (
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        if connection.vendor == "mysql"
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {str(name) for (name,) in cursor.fetchall()}
