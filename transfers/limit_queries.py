"""Reads of outgoing money beside the limits and the pause: what leaves once it is resumed, and what counts today."""

from datetime import datetime, time

from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Sum
from django.db.models.functions import Coalesce

from ledger.enums import Currency
from ledger.queries import current_rate, msat_from_xof
from ledger.types import Money
from sunusav.core.calendar import DAKAR
from sunusav.core.money import msat_from_sats
from sunusav.core.switches import HeldMoney
from transfers.calculations import day_of, oldest_minute_counted
from transfers.enums import LIMIT_DEFERRALS, OPEN_ATTEMPT_STATES, UNFINISHED_STATES, LimitKind
from transfers.models import Attempt, Disbursement, LimitUsage
from transfers.queries import deferred_by, limits_in_force
from transfers.types import LimitRelation


def held_payments(now: datetime) -> QuerySet[Disbursement]:
    """Return the payments that are due and that only a pause keeps from being sent."""
    open_ones = Attempt.objects.filter(disbursement=OuterRef("pk"), state__in=OPEN_ATTEMPT_STATES)
    return Disbursement.objects.filter(~Exists(open_ones), due_at__lte=now, state__in=UNFINISHED_STATES)


def held_by_pause(now: datetime) -> HeldMoney:
    """Return how many payments a pause holds, and their sum: all of them, for the person who decides to resume."""
    sums = held_payments(now).aggregate(
        count=Count("pk"), total_msat=Sum(Coalesce("net_msat", "payout_msat"))
    )
    return HeldMoney(sums["count"], sums["total_msat"] or 0)


def is_above_payout_limit(amount: Money, *, now: datetime) -> bool:
    """Return whether an amount exceeds what one payment may send; francs are converted at the rate of now."""
    amount_msat = amount.amount
    if amount.currency is Currency.XOF:
        rate = current_rate(now).rate_xof_per_btc
        amount_msat = msat_from_xof(amount.amount, rate_xof_per_btc=rate)
    return amount_msat > msat_from_sats(limits_in_force()[LimitKind.PER_PAYOUT].amount_sats)


def payments_of_today(now: datetime) -> LimitRelation:
    """Return how today's payments stand to the limits: each, per payee, in the last hour, and those that wait."""
    today = datetime.combine(day_of(now), time(), tzinfo=DAKAR)
    sent = Disbursement.objects.filter(admitted_at__gte=today).aggregate(
        count=Count("pk"), largest=Max("net_msat")
    )
    per_payee = LimitUsage.objects.filter(
        kind=LimitKind.PER_PAYEE_DAY, key__gte=f"{day_of(now)} ", key__lt=f"{day_of(now)}!"
    )
    per_minute = LimitUsage.objects.filter(kind=LimitKind.TOTAL_HOUR, key__gte=oldest_minute_counted(now))
    return LimitRelation(
        sent_today=sent["count"], largest_msat=sent["largest"] or 0,
        largest_payee_msat=per_payee.aggregate(most=Max("used_msat"))["most"] or 0,
        last_hour_msat=per_minute.aggregate(sum=Sum("used_msat"))["sum"] or 0,
        waiting=sum(deferred_by(LIMIT_DEFERRALS).values()),
    )  # fmt: skip
