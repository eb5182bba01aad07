"""The database refuses a row that violates a constraint of this app, and names the constraint."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, models, transaction

from ledger.models import (
    Account,
    AccountCheckpoint,
    CurrencyConversion,
    ExchangeRate,
    JournalEntry,
    JournalTransaction,
    LedgerSeal,
    ManualRateRequest,
)
from ledger.services import seal_books
from sunusav.core.models import User
from tests.ledger.builders import NODE, NOW, received, run_sql, stored_rate

pytestmark = pytest.mark.django_db


def account(**fields: Any) -> Account:
    return Account.objects.create(**{"code": "bank:XOF", "role": "bank", "currency": "XOF", **fields})


def entry(**fields: Any) -> JournalEntry:
    pk = received("r-1")
    node = Account.objects.get(code=NODE.code)
    facts = {"transaction_id": pk, "account": node, "currency": "msat", "amount": 1, **fields}
    return JournalEntry.objects.create(**facts)


def transaction_row(**fields: Any) -> JournalTransaction:
    facts = {"kind": "k", "reference": "r", "subject": "s", "posted_at": NOW, **fields}
    return JournalTransaction.objects.create(**facts)


def request(**fields: Any) -> ManualRateRequest:
    user, _ = User.objects.get_or_create(username="awa")
    facts = {
        "rate_xof_per_btc": Decimal(8_000_000),
        "reason": "why",
        "requested_by": user,
        "requested_at": NOW,
    }
    return ManualRateRequest.objects.create(**{**facts, **fields})


def conversion(**fields: Any) -> CurrencyConversion:
    facts = {
        "reference": "c", "kind": "price", "amount_sats": 6_250, "amount_xof": 500, "rate": stored_rate("8000000"),
        "is_fallback_allowed": False, "converted_at": NOW,
    }  # fmt: skip
    return CurrencyConversion.objects.create(**{**facts, **fields})


def twice(make: Callable[..., Any], **second: Any) -> Callable[[], Any]:
    def both() -> None:
        make()
        make(**second)

    return both


REFUSED = {
    "account_code_is_unique": twice(account, role="node"),
    "account_one_per_role_currency_owner": twice(account, code="other"),
    "account_currency_is_known": lambda: account(currency="EUR"),
    "journaltransaction_reference_used_once": twice(transaction_row, kind="other"),
    "journalentry_amount_is_not_zero": lambda: entry(amount=0),
    "journalentry_amount_within_all_bitcoin": lambda: entry(amount=21 * 10**17 + 1),
    "journalentry_currency_is_known": lambda: entry(currency="EUR"),
    "exchangerate_is_positive": lambda: stored_rate("0"),
    "exchangerate_quarantine_has_reason": lambda: stored_rate(is_quarantined=True),
    "exchangerate_fallback_is_not_quarantined": lambda: stored_rate(
        is_fallback=True, is_quarantined=True, quarantine_reason="jumped"
    ),
    "exchangerate_manual_has_request": lambda: stored_rate(source="manual"),
    "manualraterequest_is_positive": lambda: request(rate_xof_per_btc=-1),
    "manualraterequest_has_reason": lambda: request(reason=""),
    "currencyconversion_reference_used_once": twice(conversion, amount_xof=1),
    "currencyconversion_amounts_not_negative": lambda: conversion(amount_sats=-1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_violating_a_constraint_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        REFUSED[name]()

    assert name in str(refusal.value) or "UNIQUE" in str(refusal.value)


def test_every_constraint_is_tested() -> None:
    ours = [Account, AccountCheckpoint, CurrencyConversion, ExchangeRate]
    ours += [JournalEntry, JournalTransaction, LedgerSeal, ManualRateRequest]

    assert {constraint.name for model in ours for constraint in model._meta.constraints} == set(REFUSED)


def test_quarantine_reason_without_quarantine_refused() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        stored_rate(quarantine_reason="jumped")


def test_market_rate_with_a_request_refused() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        stored_rate(request=request())


@pytest.mark.parametrize(
    ("model", "make"),
    [
        (JournalTransaction, lambda first: transaction_row(reference="second", reverses=first)),
        (
            LedgerSeal,
            lambda first: LedgerSeal.objects.create(seq=2, transaction=first, hash="x", sealed_at=NOW),
        ),
    ],
    ids=["reversal", "seal"],
)
def test_at_most_one_per_transaction(model: type[models.Model], make: Callable[[Any], Any]) -> None:
    received("r-1")
    seal_books(now=NOW)
    first = JournalTransaction.objects.get()
    if model is JournalTransaction:
        transaction_row(reverses=first)

    with pytest.raises(IntegrityError), transaction.atomic():
        make(first)


def test_one_rate_per_manual_request() -> None:
    stored = request()
    stored_rate(source="manual", request=stored)

    with pytest.raises(IntegrityError), transaction.atomic():
        stored_rate(source="manual", request=stored)


@pytest.fixture
def one_of_each() -> None:
    received("r-1")
    seal_books(now=NOW)
    conversion()
    request()


APPEND_ONLY = [
    Account, CurrencyConversion, ExchangeRate, JournalEntry, JournalTransaction, LedgerSeal, ManualRateRequest,
]  # fmt: skip


@pytest.mark.parametrize("verb", ["update", "delete"])
@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
def test_change_an_append_only_row_is_refused(
    one_of_each: None, model: type[models.Model], verb: str
) -> None:
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
