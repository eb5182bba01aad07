"""Each raw statement of the books does what its ORM twin does, on every engine."""

from collections.abc import Callable, Sequence
from datetime import timedelta, timezone
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models

from ledger import sql
from ledger.models import JournalEntry, JournalTransaction
from ledger.services.accounts import open_accounts
from ledger.types import AccountRef, Line, Posting
from tests.ledger.builders import BANK, CREDIT, HOUR, NODE, NOW, POSITION_XOF, posting, rolled_back

pytestmark = pytest.mark.django_db

PRECISE = NOW + timedelta(microseconds=7)
LINES = [Line(NODE, 7_000), Line(CREDIT, -7_000), Line(BANK, 913), Line(POSITION_XOF, -913)]
Insert = Callable[..., int]


def _stored_transaction(insert: Insert, posting: Posting) -> dict[str, Any]:
    """Return what an insert stored, the key aside."""
    with rolled_back():
        pk = insert(posting, recorded_at=PRECISE + HOUR)
        [row] = JournalTransaction.objects.filter(pk=pk).values()
    return {name: value for name, value in row.items() if name != "id"}


def _stored_entries(insert: Callable[[int, Sequence[Line]], None], transaction_id: int) -> list[Any]:
    with rolled_back():
        insert(transaction_id, LINES)
        entries = JournalEntry.objects.filter(transaction=transaction_id).order_by("id")
        return list(entries.values_list("account__code", "currency", "amount"))


@pytest.mark.parametrize("subject", ["user:one", "100 %s, it's 'é' ", "Cycle:A"])
@pytest.mark.parametrize("zone", [0, 5])
def test_insert_transaction_stores_what_the_orm_stores(subject: str, zone: int) -> None:
    wanted = posting("r-1", subject=subject, at=PRECISE.astimezone(timezone(timedelta(hours=zone))))

    stored = _stored_transaction(sql.insert_transaction, wanted)

    assert stored == _stored_transaction(sql.insert_transaction_by_orm, wanted)
    assert (stored["subject"], stored["posted_at"]) == (subject, PRECISE)


def test_insert_reversal_stores_what_the_orm_stores() -> None:
    first = sql.insert_transaction(posting("r-1"), recorded_at=NOW)
    wanted = posting("r-1:back", reverses_id=first)

    stored = _stored_transaction(sql.insert_transaction, wanted)

    assert stored == _stored_transaction(sql.insert_transaction_by_orm, wanted)
    assert stored["reverses_id"] == first


@pytest.mark.parametrize("insert", [sql.insert_transaction, sql.insert_transaction_by_orm])
def test_insert_transaction_under_a_used_reference_is_refused(insert: Insert) -> None:
    sql.insert_transaction(posting("r-1"), recorded_at=NOW)

    with pytest.raises(IntegrityError), rolled_back():
        insert(posting("r-1"), recorded_at=NOW)

    assert JournalTransaction.objects.count() == 1


def test_insert_entries_stores_what_the_orm_stores() -> None:
    open_accounts(line.account for line in LINES)
    pk = sql.insert_transaction(posting("r-1"), recorded_at=NOW)

    stored = _stored_entries(sql.insert_entries, pk)

    assert stored == _stored_entries(sql.insert_entries_by_orm, pk)
    assert stored == [(line.account.code, line.account.currency, line.amount) for line in LINES]


@pytest.mark.parametrize("insert", [sql.insert_entries, sql.insert_entries_by_orm])
def test_insert_entries_of_an_account_that_does_not_exist_is_refused(insert: Callable[..., None]) -> None:
    open_accounts([NODE])
    pk = sql.insert_transaction(posting("r-1"), recorded_at=NOW)
    unopened = AccountRef(CREDIT.role, CREDIT.currency, "user:nobody")

    with pytest.raises(IntegrityError), rolled_back():
        insert(pk, [Line(NODE, 1), Line(unopened, -1)])

    assert JournalEntry.objects.count() == 0


def test_rules_read_from_the_schema_are_those_that_django_reads() -> None:
    """Django parses every CHECK for it, which is too slow for an audit."""
    keys = sql.unique_keys()
    tables = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    for table, model in tables.items():
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, table)
        unique = {frozenset(one["columns"]) for one in found.values() if one["unique"] or one["primary_key"]}
        checks = {
            str(rule.name) for rule in model._meta.constraints if isinstance(rule, models.CheckConstraint)
        }

        assert (table, keys[table]) == (table, unique)
        assert (table, checks & sql.check_names(table)) == (table, checks & found.keys())

    assert len(tables) > 100
