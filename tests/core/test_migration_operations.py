"""Operations of a migration that may run twice."""

from collections.abc import Callable, Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from sunusav.core.migration_operations import AppendOnly

TABLE = "core_notes"


@pytest.fixture
def table(transactional_db: None) -> Iterator[str]:
    _execute(f"CREATE TABLE {TABLE} (id integer PRIMARY KEY)")
    yield TABLE
    _execute(f"DROP TABLE {TABLE}")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _forwards() -> None:
    with connection.schema_editor() as editor:
        AppendOnly(TABLE).database_forwards("core", editor, None, None)


def _backwards() -> None:
    with connection.schema_editor() as editor:
        AppendOnly(TABLE).database_backwards("core", editor, None, None)


def _delete_is_refused() -> bool:
    try:
        with transaction.atomic():
            _execute(f"DELETE FROM {TABLE}")
    except DatabaseError as error:
        return "append-only" in str(error)
    return False


@pytest.mark.parametrize(
    "broke_off",
    [
        pytest.param(lambda: None, id="after both triggers"),
        pytest.param(lambda: _execute(f"DROP TRIGGER {TABLE}_no_delete"), id="after the first trigger"),
        pytest.param(_backwards, id="while going back"),
    ],
)
def test_run_append_only_again_after_failure_makes_table_append_only(
    table: str, broke_off: Callable[[], None]
) -> None:
    _forwards()
    broke_off()

    _forwards()

    _execute(f"INSERT INTO {table} (id) VALUES (1)")
    assert _delete_is_refused()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        _execute(f"UPDATE {table} SET id = 2")
    _backwards()
    assert not _delete_is_refused()
