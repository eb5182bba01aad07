"""The raw SQL of this app, each statement beside its ORM twin; a test shows on every engine that both agree.

Raw because posting is on the path of every payment, and because of how a refused row is undone: `save()` marks the
caller's whole transaction as broken when a unique rule refuses a row. MySQL, MariaDB and SQLite undo the refused
statement alone; savepoints would double the round trips.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import OperationalError, connection

from ledger.models import Account, JournalEntry, JournalTransaction
from ledger.types import Line, Posting
from sunusav.core.sql import adapted

# MySQL and MariaDB: this command is denied to the account on this table.
_COMMAND_DENIED: Final = 1142
_CHANGES: Final = {"update": "UPDATE {table} SET {column} = {column}", "delete": "DELETE FROM {table}"}
_CHECK: Final = re.compile(r"""CONSTRAINT [`"](\w+)[`"] CHECK""")
_UNIQUE_KEYS: Final = {
    "mysql": "SELECT table_name, index_name, column_name FROM information_schema.statistics "
    "WHERE table_schema = DATABASE() AND non_unique = 0",
    "sqlite": """SELECT t.name, i.name, c.name FROM sqlite_master t, pragma_index_list(t.name) i,
        pragma_index_info(i.name) c WHERE t.type = 'table' AND i."unique" AND NOT i.partial
        UNION ALL SELECT t.name, 'primary', c.name FROM sqlite_master t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND c.pk""",
}
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


def unique_keys() -> dict[str, set[frozenset[str]]]:
    """Return the columns of each unique or primary key of this database, by table."""
    columns: dict[tuple[str, str], set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_UNIQUE_KEYS[connection.vendor])
        for table, key, column in cursor.fetchall():
            columns.setdefault((table, key), set()).add(column)
    keys: dict[str, set[frozenset[str]]] = {}
    for (table, _), names in columns.items():
        keys.setdefault(table, set()).add(frozenset(names))
    return keys


def check_names(table: str) -> set[str]:
    """Return the CHECK constraints in the statement that would create a table.

    MariaDB shows them there to any account that reads the table, and in its information schema to administrators only.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(f"SHOW CREATE TABLE {table}")
            return set(_CHECK.findall(cursor.fetchone()[1]))
        cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
        return {name for (statement,) in cursor.fetchall() for name in _CHECK.findall(statement)}


def is_denied(verb: str, *, table: str, column: str) -> bool:
    """Return whether the account of this connection has no right to update or delete rows of a table.

    EXPLAIN needs the same right as the statement, and changes nothing. SQLite has no accounts.
    """
    if connection.vendor != "mysql":
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + _CHANGES[verb].format(table=table, column=column))
    except OperationalError as error:
        if error.args[0] == _COMMAND_DENIED:
            return True
        raise
    return False
