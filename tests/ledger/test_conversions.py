from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.enums import ConversionKind
from ledger.errors import AmountNotConvertible, RateNotFresh, ReferenceUsed
from ledger.invariants.conversions import CONVERSION_INVARIANTS
from ledger.models import CurrencyConversion
from ledger.queries import current_rate
from ledger.services import convert, record_conversion
from ledger.types import Rate
from sunusav.core.auditing import AuditScope
from sunusav.core.money import MAX_SATS
from tests.ledger.builders import HOUR, MINUTE, NOW, stored_rate

SECOND = timedelta(seconds=1)
ODD = Rate(7, Decimal(9_123_457), "market", NOW, is_fallback=False)


@pytest.mark.parametrize(
    ("kind", "amount", "msat", "xof"),
    [
        (ConversionKind.COLLECTION, 10_000_000, 10_000_000, 913),
        (ConversionKind.DISBURSEMENT, 10_000_000, 10_000_000, 912),
        (ConversionKind.PRICE, 500, 5_480_000, 500),
        (ConversionKind.DISBURSEMENT, 1, 1, 0),
        (ConversionKind.COLLECTION, 1, 1, 1),
        (ConversionKind.PRICE, 0, 0, 0),
    ],
)
def test_convert_rounds_by_its_kind_and_carries_the_rate(
    kind: ConversionKind, amount: int, msat: int, xof: int
) -> None:
    conversion = convert(kind=kind, amount=amount, rate=ODD)

    assert (conversion.amount_msat, conversion.amount_xof, conversion.rate) == (msat, xof, ODD)


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        (ConversionKind.PRICE, -1),
        (ConversionKind.PRICE, 10**15 + 1),
        (ConversionKind.COLLECTION, 1_000 * MAX_SATS + 1),
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

    assert (conversion.amount_msat, conversion.rate) == (6_250_000, rate.value)
    row = CurrencyConversion.objects.get()
    assert (row.rate, row.converted_at, row.value) == (rate, NOW, conversion)


@pytest.mark.django_db
def test_record_again_returns_what_is_stored_at_its_old_rate() -> None:
    stored_rate("8000000", at=NOW)
    first = record_conversion(kind=ConversionKind.COLLECTION, amount=10_000_000, reference="c:1", now=NOW)
    stored_rate("9000000", at=NOW + HOUR)

    again = record_conversion(
        kind=ConversionKind.COLLECTION, amount=10_000_000, reference="c:1", now=NOW + HOUR
    )

    assert again == first
    assert CurrencyConversion.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "amount"), [(ConversionKind.COLLECTION, 9_999_999), (ConversionKind.DISBURSEMENT, 10_000_000)]
)
def test_record_same_reference_with_other_content_refused(kind: ConversionKind, amount: int) -> None:
    stored_rate("8000000", at=NOW)
    record_conversion(kind=ConversionKind.COLLECTION, amount=10_000_000, reference="c:1", now=NOW)

    with pytest.raises(ReferenceUsed) as refusal:
        record_conversion(kind=kind, amount=amount, reference="c:1", now=NOW)

    assert refusal.value.stored_id == CurrencyConversion.objects.get().pk


@pytest.mark.django_db
def test_record_at_a_fallback_stores_that_it_was_allowed(settings: Any) -> None:
    record_conversion(kind=ConversionKind.PRICE, amount=500, reference="c:1", now=NOW)

    row = CurrencyConversion.objects.get()
    assert (row.rate.is_fallback, row.is_fallback_allowed) == (True, True)


@pytest.mark.django_db
@pytest.mark.parametrize("is_allowed", [True, False])
def test_record_keeps_the_setting_of_its_moment(settings: Any, is_allowed: bool) -> None:
    settings.FALLBACK_RATE_MOVES_FRANCS = is_allowed
    stored_rate(at=NOW)

    record_conversion(kind=ConversionKind.PRICE, amount=500, reference="c:1", now=NOW)

    assert CurrencyConversion.objects.get().is_fallback_allowed is is_allowed


@pytest.mark.django_db
def test_record_at_a_fallback_that_is_not_allowed_refused(settings: Any) -> None:
    settings.FALLBACK_RATE_MOVES_FRANCS = False

    with pytest.raises(RateNotFresh):
        record_conversion(kind=ConversionKind.PRICE, amount=500, reference="c:1", now=NOW)

    assert not CurrencyConversion.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "problems"),
    [
        (timedelta(0), []),
        (15 * MINUTE - SECOND, []),
        (15 * MINUTE, ["was 0:15:00 old"]),
        (-SECOND, ["was -1 day, 23:59:59 old"]),
    ],
)
def test_audit_refuses_a_conversion_at_a_rate_that_was_not_fresh(age: timedelta, problems: list[str]) -> None:
    """A rate exactly as old as the limit is too old, for the audit as for the conversion itself."""
    rate = stored_rate("8000000", at=NOW - age)
    CurrencyConversion.objects.create(
        reference="r", kind=ConversionKind.DISBURSEMENT, amount_msat=1_000_000, amount_xof=80, rate=rate,
        is_fallback_allowed=False, converted_at=NOW,
    )  # fmt: skip
    [rule] = [invariant for invariant in CONVERSION_INVARIANTS if "fresh" in invariant.title]

    found = [breach.detail for breach in rule.find(AuditScope(now=NOW))]

    assert found == [f"rate {rate.pk} {problem}" for problem in problems]
    assert current_rate(NOW).is_fallback is bool(problems)
