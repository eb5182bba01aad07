"""Reads of what settlement partners' shares of fees come to, by our booking and at the rate booked with each fee."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Final

from django.db import connection
from django.db.models import Count, DecimalField, ExpressionWrapper, F, Min, Q, QuerySet, Sum

from fees.models import FeeRecord
from fees.queries import RATE_PLACES
from fees.types import Accrual, Accrued, Span
from ledger.calculations import EXACT
from sunusav.core.keyset import beyond
from sunusav.core.sealing import SETTLED_AFTER

# The order of the index, so that nothing is sorted; moments have microseconds.
LINES_IN: Final = ("completed_at", "rate_xof_per_btc", "partner_sats", "pk")
PAGE: Final = 2_000
WORTH: Final = ExpressionWrapper(
    F("partner_sats") * F("rate_xof_per_btc"), output_field=DecimalField(max_digits=65, decimal_places=8)
)


def first_accrual_at(partner: str) -> datetime | None:
    """Return when the first fee with a share of this partner was booked; None before that."""
    found: datetime | None = FeeRecord.objects.filter(settlement_partner=partner).aggregate(
        at=Min("completed_at")
    )["at"]
    return found


def first_accruals() -> dict[str, datetime]:
    """Return the partners that have ever had a share of a fee, with the moment of the first one.

    The index gives both at one look-up per partner.
    """
    rows = FeeRecord.objects.order_by("settlement_partner").values_list("settlement_partner")
    return dict(rows.annotate(first_at=Min("completed_at")))


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


def accruals_in(partner: str, span: Span) -> Iterator[Accrual]:
    """Yield the shares of one stretch in the order of their booking, those that were too late for theirs first.

    They are read a page at a time: a month may have a million.
    """
    rows = FeeRecord.objects.filter(settlement_partner=partner, pk__lte=span.through_id)
    parts = (rows.filter(part) for part in (_late(span), _on_time(span)))
    return (_accrual(row) for row in chain.from_iterable(_pages(part) for part in parts))


def is_accrued_in(partner: str, span: Span, record_id: int) -> bool:
    """Return whether a fee record is one of a stretch."""
    return _in(partner, span).filter(pk=record_id).exists()


def _pages(rows: QuerySet[FeeRecord]) -> Iterator[FeeRecord]:
    rows = rows.order_by(*LINES_IN)
    page = list(rows[:PAGE])
    while page:
        yield from page
        last = tuple(getattr(page[-1], name) for name in LINES_IN)
        page = list(rows.filter(beyond(LINES_IN, last))[:PAGE]) if len(page) == PAGE else []


def _accrual(row: FeeRecord) -> Accrual:
    return Accrual(
        record_id=row.pk, disbursement_ref=row.disbursement_ref, is_reversal=row.is_reversal,
        booked_at=row.completed_at, payout_sats=row.payout_sats, fee_sats=row.fee_sats,
        partner_sats=row.partner_sats, rate_xof_per_btc=row.rate_xof_per_btc,
        worth=row.partner_sats * _units(row.rate_xof_per_btc),
    )  # fmt: skip


def _in(partner: str, span: Span) -> QuerySet[FeeRecord]:
    rows = FeeRecord.objects.filter(settlement_partner=partner, pk__lte=span.through_id)
    return rows.filter(_on_time(span) | _late(span))


def _on_time(span: Span) -> Q:
    return Q(completed_at__gte=span.start, completed_at__lt=span.end)


def _late(span: Span) -> Q:
    return Q(completed_at__lt=span.start, pk__gt=span.after_id)


def _units(rate_xof_per_btc: Decimal) -> int:
    """Return a rate in units of its last place."""
    return int(rate_xof_per_btc.scaleb(RATE_PLACES))


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
        worth += shares_sats * _units(rate)
    return Accrued(records, amount_sats, worth)
