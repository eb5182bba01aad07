"""The append-only tables of the books refuse every change."""

import pytest
from django.db import DatabaseError, models, transaction

from ledger.models import (
    Account,
    CurrencyConversion,
    ExchangeRate,
    JournalEntry,
    JournalTransaction,
    LedgerSeal,
    ManualRateRequest,
)
from ledger.services import seal_books
from tests.ledger.builders import NOW, received, run_sql
from tests.ledger.violations import conversion, manual_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def one_of_each() -> None:
    received("r-1")
    seal_books(now=NOW)
    conversion()
    manual_request()


APPEND_ONLY = [
    Account, CurrencyConversion, ExchangeRate, JournalEntry, JournalTransaction, LedgerSeal, ManualRateRequest,
]  # fmt: skip


@pytest.mark.parametrize("verb", ["update", "delete"])
@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
def test_append_only_refuses(one_of_each: None, model: type[models.Model], verb: str) -> None:
    table = model._meta.db_table
    column = model._meta.pk.column
    statement = (
        f"DELETE FROM {table}" if verb == "delete" else f"UPDATE {table} SET {column} = {column} + 100"
    )
    before = list(model._default_manager.order_by("pk").values())
    assert before

    with pytest.raises(DatabaseError, match=f"{table} is append-only"), transaction.atomic():
        run_sql(statement)

    assert list(model._default_manager.order_by("pk").values()) == before
