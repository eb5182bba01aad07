"""Insert or update many rows in one statement; inserted rows get their keys, updated ones their own values."""

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from sunusav.core import bulk
from sunusav.core.bulk import insert, insert_all, update_each
from sunusav.core.models import OutboxMessage, User

pytestmark = pytest.mark.django_db

NAMES = ("one", "two", "three")


def people() -> list[User]:
    return [User(username=name) for name in NAMES]


def messages(now: datetime) -> list[OutboxMessage]:
    rows = [
        OutboxMessage(topic="t", subject=name, payload={"at": "first"}, created_at=now, next_try_at=now)
        for name in NAMES
    ]
    for row in rows:
        row.save()
    return rows


@pytest.mark.parametrize("tells_keys", [True, False], ids=["keys returned", "keys read back, as on MySQL"])
def test_insert_all_gives_every_row_its_key(tells_keys: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not tells_keys:
        monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)
    rows = people()

    insert_all(rows, by="username")

    assert [row.pk for row in rows] == [User.objects.get(username=name).pk for name in NAMES]


def test_insert_all_of_one_row_sets_its_key(now: datetime) -> None:
    (row, *_) = people()
    insert_all([row], by="username")
    assert User.objects.get().pk == row.pk


def test_insert_writes_what_save_would_have_written(now: datetime) -> None:
    (saved, *_) = messages(now)
    fields = ("topic", "subject", "payload", "created_at", "next_try_at", "tries", "delivered_at")
    copy = OutboxMessage(**{name: getattr(saved, name) for name in fields})

    insert([copy])

    rows = OutboxMessage.objects.filter(subject=saved.subject).order_by("pk")
    first, second = rows.values(*fields)
    assert first == second


def test_insert_all_in_several_statements_inserts_every_row(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    rows = people()

    insert_all(rows, by="username")

    assert [row.pk for row in rows] == [User.objects.get(username=name).pk for name in NAMES]


def test_insert_all_with_a_used_key_inserts_nothing() -> None:
    User.objects.create(username="two")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_all(people(), by="username")
    assert list(User.objects.values_list("username", flat=True)) == ["two"]


@pytest.mark.parametrize("count", [1, 3])
def test_update_each_gives_each_row_its_own_values_in_one_statement(
    count: int, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = messages(now)
    own: dict[int, dict[str, Any]] = {
        row.pk: {"payload": {"it's": [number, "é", None]}, "tries": number}
        for number, row in enumerate(rows[:count], 5)
    }

    with django_assert_num_queries(1):
        assert update_each(OutboxMessage.objects.all(), own, topic="u") == count

    for row in rows:
        row.refresh_from_db()
    assert [(row.topic, row.tries, row.payload) for row in rows[:count]] == [
        ("u", number, {"it's": [number, "é", None]}) for number in range(5, 5 + count)
    ]
    assert [(row.topic, row.payload) for row in rows[count:]] == [("t", {"at": "first"})] * (3 - count)


def test_update_each_leaves_what_is_not_among_its_rows(now: datetime) -> None:
    rows = messages(now)
    among = OutboxMessage.objects.exclude(subject="two")

    assert update_each(among, {row.pk: {"tries": 9} for row in rows}) == 2

    assert sorted(OutboxMessage.objects.values_list("subject", "tries")) == [
        ("one", 9), ("three", 9), ("two", 0),
    ]  # fmt: skip
