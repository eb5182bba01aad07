"""Migrate once per run, not once per worker: each worker of pytest copies the tables of a template.

The controlling process starts this module as a process of its own, which migrates while the workers start and
collect. A worker waits for its end and copies; its own `migrate` then finds nothing to do, or applies what is missing.

python -m tests.support.template FOLDER     makes the template, with the settings of the test run
"""

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import process

FOLDER = "TEST_TEMPLATE"  # the variable of the environment that gives workers the template's folder
DATABASE = "test_sunusav_template"  # on MariaDB; SQLite's is a file
ROOT = Path(__file__).resolve().parent.parent.parent


class TemplateNotMade(Exception):
    """The process that makes the template ended without it; the message has the end of its log."""


@contextmanager
def being_made() -> Iterator[Path]:
    """Make a template in another process and yield its folder at once; the process holds a lock until it ends."""
    with process.folder("template") as folder:
        command = process.tied_to_us([sys.executable, "-m", "tests.support.template", str(folder)])
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "sunusav.settings.test"}
        with (folder / "lock").open("wb") as lock, (folder / "log").open("wb") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)
            maker = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, pass_fds=[lock.fileno()]
            )
        try:
            yield folder
        finally:
            process.stop(maker)


def install(connection: Any) -> None:
    """Have a test database, when Django creates it, start as a copy of the run's template, if the run has one."""
    folder = os.environ.get(FOLDER)
    if folder:
        create = connection.creation._create_test_db

        def create_copy(*arguments: Any, **options: Any) -> str:
            name: str = create(*arguments, **options)
            connection.close()
            connection.settings_dict["NAME"] = name
            fill(connection, Path(folder))
            return name

        connection.creation._create_test_db = create_copy


def fill(connection: Any, folder: Path) -> None:
    """Wait for the template and copy it into an empty database.

    Raises: TemplateNotMade.
    """
    with (folder / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    if not (folder / "made").exists():
        raise TemplateNotMade((folder / "log").read_text(errors="replace")[-4000:])
    if connection.vendor == "mysql":
        copy_tables(connection, DATABASE)
    else:
        with sqlite3.connect(folder / "made") as template:
            connection.ensure_connection()
            template.backup(connection.connection)
        template.close()


def copy_tables(connection: Any, source: str) -> None:
    """Create the tables of another MariaDB database in this one, with their rows and triggers."""
    quote = connection.ops.quote_name
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in _names(cursor, "table", "tables", source):
            cursor.execute(f"SHOW CREATE TABLE {quote(source)}.{quote(table)}")
            cursor.execute(cursor.fetchone()[1])
            columns = ", ".join(map(quote, stored_columns(connection, table)))
            cursor.execute(
                f"INSERT INTO {quote(table)} ({columns}) SELECT {columns} FROM {quote(source)}.{quote(table)}"
            )
        for trigger in _names(cursor, "trigger", "triggers", source):
            cursor.execute(f"SHOW CREATE TRIGGER {quote(source)}.{quote(trigger)}")
            cursor.execute(cursor.fetchone()[2])


def stored_columns(connection: Any, table: str) -> list[str]:
    """Return the columns of a table without its generated ones, which accept no value."""
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() "
                "AND table_name = %s AND extra NOT LIKE '%%GENERATED%%' ORDER BY ordinal_position",
                [table],
            )
        else:
            cursor.execute("SELECT name FROM pragma_table_xinfo(%s) WHERE hidden = 0 ORDER BY cid", [table])
        return [name for (name,) in cursor.fetchall()]


def _names(cursor: Any, kind: str, kinds: str, database: str) -> list[str]:
    cursor.execute(
        f"SELECT {kind}_name FROM information_schema.{kinds} WHERE {kind}_schema = %s ORDER BY {kind}_name",
        [database],
    )
    return [name for (name,) in cursor.fetchall()]


def make(folder: Path) -> None:
    """Migrate an empty database and mark it as made."""
    import django

    django.setup()
    from django.db import connection

    if connection.vendor == "mysql":
        connection.settings_dict["TEST"]["NAME"] = DATABASE
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    if connection.vendor == "mysql":
        (folder / "made").touch()
    else:
        with sqlite3.connect(folder / "being-made") as template:
            connection.connection.backup(template)
        template.close()
        (folder / "being-made").rename(folder / "made")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
