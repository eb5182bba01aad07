"""Payments of this app that fall due: ordered, and not yet at their provider."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from ledger.enums import Currency
from ledger.types import Money
from sunusav.core.figures import start_of
from transfers.enums import AttemptState, DisbursementState
from transfers.models import Attempt, Disbursement, DisbursementDestination
from transfers.queries import with_rail
from transfers.rails import rail
from transfers.types import PaymentsDue

# How far the amount of a payment is fixed: nothing, its net, or what its rail pays.
_GROSS, _NET, _FRANCS = 0, 1, 2
_WHAT: Final[dict[str, str]] = {
    DisbursementState.SCHEDULED: "due_scheduled",
    DisbursementState.PROCESSING: "due_processing",
    DisbursementState.NEEDS_REVIEW: "due_needs_review",
    DisbursementState.FAILED: "due_failed",
}


def _payments(days: Sequence[date]) -> Iterator[PaymentsDue]:
    """Yield what is to be paid on these days, by rail, day and state, from one statement.

    Failed payments and those under review are due at once: a person may have them sent at any moment. What the provider
    has is left out, since it is no longer part of what can be sent.
    """
    sums = _on_days(_unpaid(), days).values("rail_named", "state", "day_number", "fixed")
    for row in sums.annotate(
        payments=Count("pk"), net=Sum(Coalesce("net_msat", "payout_msat")), francs=Sum("pay_xof")
    ).order_by("rail_named", "state", "day_number", "fixed"):
        if row["rail_named"] in settings.RAILS:
            yield _due(row, days[row["day_number"]])


def _unpaid() -> Any:
    """Return what is not paid and not at its provider, each with the rail that would pay it."""
    at_provider = Attempt.objects.filter(
        disbursement=OuterRef("pk"), closed_at=None, state=AttemptState.IN_FLIGHT
    )
    last = DisbursementDestination.objects.filter(disbursement=OuterRef("pk")).order_by("-position")
    rows = with_rail(Disbursement.objects.filter(state__in=list(_WHAT))).exclude(Exists(at_provider))
    return rows.annotate(rail_named=Coalesce("rail_in_use", Subquery(last.values("rail")[:1])))


def _on_days(rows: QuerySet[Disbursement], days: Sequence[date]) -> Any:
    """Annotate the number of the day on which each is due, and how far its amount is fixed; leave out later ones."""
    ends = [start_of(day + timedelta(days=1)) for day in days]
    numbers = [When(due_by__lt=end, then=Value(number)) for number, end in enumerate(ends)]
    waits_for_person = Q(state__in=(DisbursementState.FAILED, DisbursementState.NEEDS_REVIEW))
    moment = Case(
        When(waits_for_person, then=F("requested_at")),
        When(state=DisbursementState.SCHEDULED, then=F("scheduled_at")),
        When(
            Q(not_before__isnull=False) & (Q(due_at=None) | Q(not_before__gt=F("due_at"))),
            then=F("not_before"),
        ),
        default=Coalesce("due_at", "scheduled_at"),
        output_field=DateTimeField(),
    )
    fixed = Case(
        When(pay_xof__isnull=False, then=Value(_FRANCS)), When(net_msat__isnull=False, then=Value(_NET)),
        default=Value(_GROSS),
    )  # fmt: skip
    return (
        rows.annotate(due_by=moment, fixed=fixed)
        .filter(due_by__lt=ends[-1])
        .annotate(day_number=Case(*numbers, default=Value(len(ends) - 1), output_field=IntegerField()))
    )


def _due(row: dict[str, Any], day: date) -> PaymentsDue:
    in_francs = row["fixed"] == _FRANCS
    money = Money(int(row["francs"]), Currency.XOF) if in_francs else Money(int(row["net"]), Currency.MSAT)
    return PaymentsDue(
        rail(row["rail_named"]).account, day, _WHAT[row["state"]], row["payments"], money,
        is_estimate=row["fixed"] == _GROSS,
    )  # fmt: skip


FALLING_DUE = [_payments]
