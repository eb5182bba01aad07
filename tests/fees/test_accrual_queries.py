"""What shares come to: the database adds up their worth exactly, as Python does by rates."""

from decimal import Decimal

import pytest
from django.db import connection

from fees.accrual_queries import _summed, _summed_by_rate, accrued_in_all
from fees.models import FeeRecord
from fees.types import Accrued
from tests.factories.settlements import accrue, rate_of
from tests.fees.builders import checks_off
from tests.support.triggers import without_triggers

# 21 million bitcoins, and the highest rate that the column takes.
MOST_SATS, HIGHEST_RATE = 21 * 10**14, Decimal("999999999999.99999999")


@pytest.mark.django_db
def test_sum_worth_of_shares_is_exact_to_the_last_place_of_each_rate() -> None:
    for rate, payout_sats in (
        ("8000000", 12_345), ("9123457.12345679", 1_000_000), ("65000000.00000001", 7_777_777), ("8000000", 99_999),
    ):  # fmt: skip
        rate_of(rate)
        accrue(payout_sats)

    rows = FeeRecord.objects.all()
    by_hand = Accrued(
        4, sum(row.partner_sats for row in rows),
        sum(row.partner_sats * int(row.rate_xof_per_btc.scaleb(8)) for row in rows),
    )  # fmt: skip
    assert _summed(rows) == _summed_by_rate(rows) == accrued_in_all("wave") == by_hand


@pytest.mark.django_db
def test_sum_of_no_shares_is_nothing() -> None:
    assert _summed(FeeRecord.objects.all()) == Accrued(0, 0, 0)


@pytest.mark.mariadb  # SQLite keeps fifteen digits
@pytest.mark.django_db(transaction=True)
def test_sum_of_shares_beyond_any_real_one_loses_nothing() -> None:
    rate_of("8000000")
    for _ in range(3):
        accrue(12_345)
    with without_triggers(connection), checks_off():
        FeeRecord.objects.update(partner_sats=MOST_SATS, rate_xof_per_btc=HIGHEST_RATE)

        worth = 3 * MOST_SATS * int(HIGHEST_RATE.scaleb(8))
        assert _summed(FeeRecord.objects.all()) == Accrued(3, 3 * MOST_SATS, worth)
