"""The rights of the account with which the application connects: append-only tables are never changed with it."""

from collections.abc import Collection
from typing import Final

APPENDED: Final = "SELECT, INSERT"
CHANGED: Final = "SELECT, INSERT, UPDATE, DELETE"


def grants(
    *, user: str, host: str, database: str, tables: Collection[str], append_only: Collection[str]
) -> list[str]:
    """Return one GRANT statement per table, for MySQL and MariaDB."""
    return [
        f"GRANT {APPENDED if table in append_only else CHANGED} ON `{database}`.`{table}` TO '{user}'@'{host}';"
        for table in sorted(tables)
    ]
