"""Reads of what settlement partners' shares of fees come to, by our booking and at the rate booked with each fee."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import connection
from django.db.models import Count, DecimalField, ExpressionWrapper, F, Min, Q, QuerySet, Sum

from fees.models import FeeRecord
from fees.queries import RATE_PLACES
from fees.types import Accrued, Span
from ledger.calculations import EXACT
from sunusav.core.sealing import SETTLED_AFTER

WORTH: Final = ExpressionWrapper(
    F("partner_sats") * F("rate_xof_per_btc"), output_field=DecimalField(max_digits=65, decimal_places=8)
)


def first_accrual_at(partner: str) -> datetime | None:
    """Return when the first fee with a share of this partner was booked; None before that."""
    found: datetime | None = FeeRecord.objects.filter(settlement_partner=partner).aggregate(
        at=Min("completed_at")
    )["at"]
    return found


def partners_with_accruals() -> list[str]:
    """Return the partners that have ever had a share of a fee, in one look-up each by the index."""
    found: list[str] = []
    rows = FeeRecord.objects.order_by("settlement_partner").values_list("settlement_partner", flat=True)
    while (following := rows.filter(settlement_partner__gt=found[-1] if found else "").first()) is not None:
        found.append(following)
    return found


def closable_before(now: datetime) -> datetime:
    """Return the moment before which every booking has committed or never will: no transaction lasts that long."""
    return now - SETTLED_AFTER


def last_record() -> int:
    """Return the id of the last fee record there is; 0 for none.

    A record with a smaller id may still commit, but not one booked before `closable_before`.
    """
    return FeeRecord.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def accrued_before(partner: str, *, end: datetime, through_id: int) -> Accrued:
    """Sum a partner's shares booked before a moment, up to a record, in one statement that an index answers."""
    rows = FeeRecord.objects.filter(settlement_partner=partner, completed_at__lt=end, pk__lte=through_id)
    return _summed(rows)


def accrued_in(partner: str, span: Span) -> Accrued:
    """Sum a partner's shares of one stretch, from its records alone."""
    return _summed(_in(partner, span))


def accrued_in_all(partner: str) -> Accrued:
    """Sum all shares that a partner has ever had."""
    return _summed(FeeRecord.objects.filter(settlement_partner=partner))


def _in(partner: str, span: Span) -> QuerySet[FeeRecord]:
    on_time = Q(completed_at__gte=span.start, completed_at__lt=span.end)
    late = Q(completed_at__lt=span.start, pk__gt=span.after_id)
    return FeeRecord.objects.filter(on_time | late, settlement_partner=partner, pk__lte=span.through_id)


def _summed(rows: QuerySet[FeeRecord]) -> Accrued:
    """Sum shares and what they are worth, exactly.

    A share times a rate has 39 digits at most, and MySQL and MariaDB add up 65.
    """
    if connection.vendor != "mysql":
        return _summed_by_rate(rows)
    found = rows.aggregate(records=Count("pk"), shares_sats=Sum("partner_sats"), worth=Sum(WORTH))
    worth = Decimal(found["worth"] or 0)
    return Accrued(found["records"], found["shares_sats"] or 0, int(worth.scaleb(RATE_PLACES, context=EXACT)))


def _summed_by_rate(rows: QuerySet[FeeRecord]) -> Accrued:
    """Sum shares by their rate, for databases without decimals, which would round a sum of products."""
    by_rate = rows.order_by().values_list("rate_xof_per_btc")
    records = amount_sats = worth = 0
    sums = by_rate.annotate(shares=Sum("partner_sats"), count=Count("pk"))
    for rate, shares_sats, count in sums.iterator():
        records, amount_sats = records + count, amount_sats + shares_sats
        worth += shares_sats * int(rate.scaleb(RATE_PLACES))
    return Accrued(records, amount_sats, worth)
