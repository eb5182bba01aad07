from decimal import Decimal
from typing import Any

import pytest

from ledger.enums import ConversionKind
from ledger.errors import AmountNotConvertible, RateNotFresh, ReferenceUsed
from ledger.models import CurrencyConversion
from ledger.services import convert, record_conversion
from ledger.types import Rate
from sunusav.core.money import MAX_SATS
from tests.ledger.builders import HOUR, MINUTE, NOW, stored_rate

ODD = Rate(7, Decimal(9_123_457), "market", NOW, is_fallback=False)


@pytest.mark.parametrize(
    ("kind", "amount", "sats", "xof"),
    [
        (ConversionKind.COLLECTION, 10_000, 10_000, 913),
        (ConversionKind.DISBURSEMENT, 10_000, 10_000, 912),
        (ConversionKind.PRICE, 500, 5_480, 500),
        (ConversionKind.DISBURSEMENT, 1, 1, 0),
        (ConversionKind.COLLECTION, 1, 1, 1),
        (ConversionKind.PRICE, 0, 0, 0),
    ],
)
def test_convert_rounds_by_its_kind_and_carries_the_rate(
    kind: ConversionKind, amount: int, sats: int, xof: int
) -> None:
    conversion = convert(kind=kind, amount=amount, rate=ODD)

    assert (conversion.amount_sats, conversion.amount_xof, conversion.rate) == (sats, xof, ODD)


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        (ConversionKind.PRICE, -1),
        (ConversionKind.PRICE, 10**15 + 1),
        (ConversionKind.COLLECTION, MAX_SATS + 1),
        (ConversionKind.COLLECTION, True),
        (ConversionKind.DISBURSEMENT, 1.0),
    ],
)
def test_convert_impossible_amount_refused(kind: ConversionKind, amount: Any) -> None:
    with pytest.raises(AmountNotConvertible) as refusal:
        convert(kind=kind, amount=amount, rate=ODD)

    assert refusal.value.amount == amount


@pytest.mark.django_db
def test_record_keeps_the_rate_row() -> None:
    rate = stored_rate("8000000", at=NOW - MINUTE)

    conversion = record_conversion(kind=ConversionKind.PRICE, amount=500, reference="charge:1", now=NOW)

    assert (conversion.amount_sats, conversion.rate) == (6_250, rate.value)
    row = CurrencyConversion.objects.get()
    assert (row.rate, row.converted_at, row.value) == (rate, NOW, conversion)


@pytest.mark.django_db
def test_record_again_returns_what_is_stored_at_its_old_rate() -> None:
    stored_rate("8000000", at=NOW)
    first = record_conversion(kind=ConversionKind.COLLECTION, amount=10_000, reference="c:1", now=NOW)
    stored_rate("9000000", at=NOW + HOUR)

    again = record_conversion(kind=ConversionKind.COLLECTION, amount=10_000, reference="c:1", now=NOW + HOUR)

    assert again == first
    assert CurrencyConversion.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "amount"), [(ConversionKind.COLLECTION, 9_999), (ConversionKind.DISBURSEMENT, 10_000)]
)
def test_record_same_reference_with_other_content_refused(kind: ConversionKind, amount: int) -> None:
    stored_rate("8000000", at=NOW)
    record_conversion(kind=ConversionKind.COLLECTION, amount=10_000, reference="c:1", now=NOW)

    with pytest.raises(ReferenceUsed) as refusal:
        record_conversion(kind=kind, amount=amount, reference="c:1", now=NOW)

    assert refusal.value.stored_id == CurrencyConversion.objects.get().pk


@pytest.mark.django_db
def test_record_at_a_fallback_stores_that_it_was_allowed(settings: Any) -> None:
    record_conversion(kind=ConversionKind.PRICE, amount=500, reference="c:1", now=NOW)

    row = CurrencyConversion.objects.get()
    assert (row.rate.is_fallback, row.is_fallback_allowed) == (True, True)


@pytest.mark.django_db
def test_record_at_a_fallback_that_is_not_allowed_refused(settings: Any) -> None:
    settings.FALLBACK_RATE_MOVES_FRANCS = False

    with pytest.raises(RateNotFresh):
        record_conversion(kind=ConversionKind.PRICE, amount=500, reference="c:1", now=NOW)

    assert not CurrencyConversion.objects.exists()
