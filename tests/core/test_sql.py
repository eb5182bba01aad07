"""Raw statements store and read the same values as Django's ORM."""

from datetime import datetime, timedelta, timezone

import pytest
from django.db import OperationalError

from sunusav.core import sql
from sunusav.core.models import OutboxMessage

pytestmark = pytest.mark.django_db

TABLE = OutboxMessage._meta.db_table


def message(subject: str, now: datetime) -> OutboxMessage:
    return OutboxMessage.objects.create(
        topic="t", subject=subject, payload={}, created_at=now, next_try_at=now
    )


def test_run_stores_a_moment_of_any_zone_as_django_does(now: datetime) -> None:
    row = message("one", now)
    later = (now + timedelta(microseconds=7)).astimezone(timezone(timedelta(hours=5)))

    assert sql.run(f"UPDATE {TABLE} SET next_try_at = %s WHERE id = %s", [later, row.pk]) == 1

    row.refresh_from_db()
    assert row.next_try_at == later


def test_run_counts_unchanged_rows(now: datetime) -> None:
    row = message("one", now)
    assert sql.run(f"UPDATE {TABLE} SET topic = %s WHERE id = %s", ["t", row.pk]) == 1


def test_rows_returns_the_matching_rows(now: datetime) -> None:
    wanted = ["one", "it's %s"]
    for subject in (*wanted, "three"):
        message(subject, now)

    found = sql.rows(
        f"SELECT subject FROM {TABLE} WHERE subject IN ({sql.placeholders(wanted)}) ORDER BY id", wanted
    )

    assert list(found) == [("one",), ("it's %s",)]


def test_rows_of_a_wrong_statement_raises_djangos_own_error() -> None:
    with pytest.raises(OperationalError):
        sql.rows(f"SELECT nothing_of_the_kind FROM {TABLE}")
