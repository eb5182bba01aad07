"""Read `MONETIZATION_DATABASE_URL` into Django's database settings."""

from pathlib import Path
from typing import Any

import environ

from sunusav.core.calendar import DAKAR
from sunusav.core.mysql import INIT_COMMAND


def database_settings(url: str, *, sqlite_file: Path) -> dict[str, Any]:
    """Return the settings of the one database: embedded SQLite when no URL is given.

    Both `mysql://` and `mysql+pymysql://` mean MySQL or MariaDB through mysqlclient, by our backend.
    """
    if not url:
        return _sqlite(sqlite_file)
    parsed = dict(environ.Env.db_url_config(url.replace("mysql+pymysql://", "mysql://", 1)))
    if str(parsed["ENGINE"]).endswith("sqlite3"):
        return _sqlite(Path(str(parsed["NAME"])))
    return _mysql(parsed)


def _sqlite(file: Path) -> dict[str, Any]:
    # IMMEDIATE takes the write lock at BEGIN: read-modify-write cannot fail half-way with "database is locked".
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        },
    }


def _mysql(parsed: dict[str, Any]) -> dict[str, Any]:
    return {
        **parsed,
        "ENGINE": "sunusav.core.mysql",
        # The C library takes "localhost" for the local socket file and ignores the port.
        "HOST": "127.0.0.1" if parsed.get("HOST") == "localhost" else parsed.get("HOST", ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Equal to settings.TIME_ZONE, so that MySQL needs no time-zone tables.
        "TIME_ZONE": DAKAR.key,
        "OPTIONS": {
            **parsed.get("OPTIONS", {}),
            "charset": "utf8mb4",
            "isolation_level": "read committed",
            "init_command": INIT_COMMAND,
        },
        "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"},
    }
