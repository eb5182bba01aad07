"""Every order, filter and search that a list offers is answered by an index of the database, where its table grows."""

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

import pytest
from django.contrib import admin
from django.contrib.admin import AllValuesFieldListFilter, FieldListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.db import connection, models
from django.test import RequestFactory

from sunusav.backoffice.admins import BackofficeAdmin
from sunusav.backoffice.filters import AmountRange, FewRows
from sunusav.backoffice.indexes import known_before, sort_by
from sunusav.core.models import User

# Written by people one at a time, or a row per rail, person or setting: their lists examine all rows in no time.
SMALL = {
    "auth.Group", "core.Approval", "core.ApprovalBand", "core.ApprovalBandRequest",
    "core.Proposal", "core.Switch", "core.User",
    "django_celery_beat.PeriodicTask", "fees.FeeSchedule",
    "fees.FeeScheduleDraft", "knox.AuthToken", "ledger.ManualRateRequest", "lightning.ListenerCursor",
    "otp_totp.TOTPDevice", "partners.AdoptedFloatMinimum", "partners.AdoptedSettlementAccount",
    "partners.ApprovedSettlement", "partners.ContestedLine", "partners.FloatMinimum",
    "partners.Settlement", "partners.SettlementAccount",
    "partners.SettlementBankPayment", "payouts.CycleReopening",
    "payouts.MemberErasure", "payouts.ProposedRefund", "transfers.AdoptedIssuer", "transfers.AdoptedTaxRate",
    "transfers.CreditTransferRequest", "transfers.Issuer", "transfers.MatchingRule", "transfers.Partner",
    "transfers.PaymentLimit",
    "transfers.PaymentLimitRequest", "transfers.ProviderSwitch", "transfers.RailBreaker", "transfers.RailLiquidity",
    "transfers.ReturnClaim", "transfers.Reversal", "transfers.StatementFormat", "transfers.TaxRate",
    "transfers.TreasuryMovement",
}  # fmt: skip
# Filters without an index, because most rows that match are recent or many: a page examines a bounded number of rows.
BOUNDED = {
    "fees.DiscountGrant": {"kind"},
    "ledger.CurrencyConversion": {"kind"},
    "ledger.ExchangeRate": {"is_quarantined"},
    "partners.InboundWebhook": {"outcome"},
    "payouts.Group": {"country"},
    "transfers.Attempt": {"state", "failure_class"},
    "transfers.Collection": {"method", "amount"},
    "transfers.Disbursement": {"destinations__rail"},
    "transfers.PaymentOrder": {"rail"},
    "transfers.RailMismatch": {"code"},
}


def _growing() -> list[Any]:
    return [
        one
        for one in admin.site._registry.values()
        if isinstance(one, BackofficeAdmin) and one.model._meta.label not in SMALL
    ]


@pytest.mark.django_db
def test_every_order_is_answered_by_an_index() -> None:
    missing = [
        f"{one.model._meta.label}: {columns}"
        for one in _growing()
        for columns in _orders(one)
        if not _is_indexed(one.model, columns)
    ]

    assert missing == []


def _orders(model_admin: Any) -> Iterator[tuple[str, ...]]:
    """Yield the columns of the default order, and of each that people may choose."""
    model, request = model_admin.model, RequestFactory().get("/")
    request.user = User()
    yield tuple(_column(model, name) for name in model_admin.get_ordering(request) or ("pk",))
    for column in model_admin.get_sortable_by(request):
        shown = getattr(model_admin, column, column) if isinstance(column, str) else column
        name = shown if isinstance(shown, str) else shown.admin_order_field
        yield sort_by(model, str(model._meta.get_field(name).attname)) or (name,)


@pytest.mark.django_db
def test_every_filter_is_answered_by_an_index_or_bounded() -> None:
    found = {one.model._meta.label: _unindexed_filters(one) for one in _growing()}

    assert {label: names for label, names in found.items() if names} == BOUNDED


def _unindexed_filters(model_admin: Any) -> set[str]:
    names = set(_filter_columns(model_admin))
    return {
        name
        for name in names
        if "__" in name or not _is_indexed(model_admin.model, (_column(model_admin.model, name),))
    }


def _filter_columns(model_admin: Any) -> Iterator[str]:
    for one in model_admin.list_filter:
        if isinstance(one, type) and issubclass(one, FewRows):
            continue  # found by an index of its own
        if isinstance(one, type) and issubclass(one, AmountRange):
            yield one.column
        else:
            yield one if isinstance(one, str) else one.parameter_name


@pytest.mark.django_db
def test_every_search_is_answered_by_an_index() -> None:
    missing = [
        f"{one.model._meta.label}: {name}"
        for one in _growing()
        for name in one.search_fields
        if not _is_search_indexed(one.model, name)
    ]

    assert missing == []


def _is_search_indexed(model: Any, name: str) -> bool:
    head, _, rest = name.partition("__")
    if rest:
        field = model._meta.get_field(head)
        points_here = field.one_to_many or _is_indexed(model, (field.attname,))
        return points_here and _is_indexed(field.related_model, (_column(field.related_model, rest),))
    before = [lookup.removesuffix("__in") for lookup in known_before(model, name)]
    return _is_indexed(model, (*before, _column(model, name)))


def test_no_filter_reads_the_values_in_use() -> None:
    reading = [
        f"{one.model._meta.label}: {name}"
        for one in _growing()
        for name in one.list_filter
        if isinstance(name, str) and _filter_of(one.model, name) is AllValuesFieldListFilter
    ]

    assert reading == []
    assert [one.model._meta.label for one in _growing() if one.date_hierarchy] == []


def _filter_of(model: Any, name: str) -> Any:
    field = get_fields_from_path(model, name)[-1]
    return next(kind for test, kind in cast(Any, FieldListFilter)._field_list_filters if test(field))


def test_small_tables_are_those_of_the_admin() -> None:
    assert {model._meta.label for model in admin.site._registry} >= SMALL


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("label", "columns", "is_indexed"),
    [
        ("transfers.Disbursement", ("state", "id"), True), ("transfers.Disbursement", ("id",), True),
        ("transfers.Disbursement", ("retries",), False), ("payouts.Cycle", ("state", "created_at", "id"), True),
        ("payouts.Cycle", ("created_at", "state"), False),
    ],
)  # fmt: skip
def test_indexes_are_those_of_the_database(label: str, columns: tuple[str, ...], is_indexed: bool) -> None:
    model = next(one for one in admin.site._registry if one._meta.label == label)

    assert _is_indexed(model, columns) is is_indexed


def _is_indexed(model: type[models.Model], columns: tuple[str, ...]) -> bool:
    """Return whether an index of the database begins with these columns; each ends with the primary key."""
    key = str(cast(Any, model._meta.pk).column)
    stored = tuple(str(_stored(model, column)) for column in columns)
    return any((*index, key)[: len(stored)] == stored for index in _indexes(model))


def _stored(model: type[models.Model], attname: str) -> str:
    return next(str(field.column) for field in model._meta.concrete_fields if field.attname == attname)


@cache
def _indexes(model: type[models.Model]) -> tuple[tuple[str, ...], ...]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table).values()
    return tuple(
        tuple(one["columns"]) for one in found if one["index"] or one["unique"] or one["primary_key"]
    )


def _column(model: type[models.Model], name: str) -> str:
    field: Any = (
        model._meta.pk if name.removeprefix("-") == "pk" else model._meta.get_field(name.removeprefix("-"))
    )
    return str(field.attname)
