"""What may leave, and when: limits, and orders that were left in flight; the tax in a fee; forecasts. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from ledger.types import AccountRef
from sunusav.core.calendar import DAKAR
from sunusav.core.money import sats_from_msat
from transfers.enums import DeferralCode, LimitKind
from transfers.types import AccountForecast, Deferral, ForecastDay, LimitRelation, PaymentsDue

HOUR = timedelta(minutes=60)
MINUTE = timedelta(minutes=1)
# How long a payment to a replaced destination waits, unless two people waive it.
COOLING_OFF = timedelta(hours=24)
# A payment that is left in flight counts as such this long after it could last be paid: a channel or a node that was
# unavailable may still report it.
LEFT_IN_FLIGHT_AFTER = timedelta(hours=1)
WHOLE_BPS = 10_000
DAYS_AHEAD: Final = 7
# A limit that is raised to more than this many times what it was is out of the ordinary.
USUAL_RAISE = 10
_MINUTE_KEY = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Limits:
    """The limits in force. Units: msat."""

    per_payout_msat: int
    per_payee_day_msat: int
    total_hour_msat: int
    replaced_destination_msat: int


@dataclass(frozen=True)
class Usage:
    """What already counts against one payment: its payee's day, and the last minutes by their keys."""

    payee_day_msat: int
    by_minute_msat: Mapping[str, int]


@dataclass(frozen=True)
class OutgoingPayment:
    """One payment as limits see it. `counted_at`: when it was last counted; a later retry may count again."""

    net_msat: int
    counted_at: datetime | None
    is_waived: bool
    destination_replaced_at: datetime | None


def day_of(moment: datetime) -> date:
    """Return the date in Dakar."""
    return moment.astimezone(DAKAR).date()


def day_key(moment: datetime, payee_ref: str) -> str:
    """Return the key under which a payee's day is counted."""
    return f"{day_of(moment).isoformat()} {payee_ref}"


def minute_key(moment: datetime) -> str:
    """Return the key under which all payments of a minute are counted; keys sort by time."""
    return moment.astimezone(DAKAR).strftime(_MINUTE_KEY)


def oldest_minute_counted(now: datetime) -> str:
    """Return the key of the oldest minute that counts; part of it is older than an hour, and it counts whole."""
    return minute_key(now - HOUR)


def counts_on_day(counted_at: datetime | None, now: datetime) -> bool:
    """Return whether a payment counts for its payee's day: once a day, however often it is retried."""
    return counted_at is None or day_of(counted_at) != day_of(now)


def counts_in_hour(counted_at: datetime | None, now: datetime) -> bool:
    """Return whether a payment counts for the hour: it does unless it counted within the hour, on the same day."""
    return counted_at is None or now - counted_at >= HOUR or counts_on_day(counted_at, now)


def next_day(now: datetime) -> datetime:
    """Return the next midnight in Dakar."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), tzinfo=DAKAR)


def hour_frees_at(by_minute_msat: Mapping[str, int], *, excess_msat: int) -> datetime:
    """Return when at least `excess_msat` of the last 60 minutes no longer counts.

    The usage must be at least that much.
    """
    freed_msat, key = 0, ""
    for key in sorted(by_minute_msat):
        freed_msat += by_minute_msat[key]
        if freed_msat >= excess_msat:
            break
    return datetime.strptime(key, _MINUTE_KEY).replace(tzinfo=DAKAR) + HOUR + MINUTE


def deferral_for(payment: OutgoingPayment, *, limits: Limits, usage: Usage, now: datetime) -> Deferral | None:
    """Return why a payment may not go now, or None.

    A payment that alone exceeds a limit cannot go by waiting.
    """
    if payment.is_waived:
        return None
    smallest_msat = min(limits.per_payout_msat, limits.per_payee_day_msat, limits.total_hour_msat)
    if payment.net_msat > limits.per_payout_msat or (
        payment.net_msat > smallest_msat and counts_in_hour(payment.counted_at, now)
    ):
        return Deferral(DeferralCode.PAYOUT_ABOVE_LIMIT, {"limit_sats": sats_from_msat(smallest_msat)}, None)
    return _cooling_off(payment, limits, now) or _used_up(payment, limits, usage, now)


def _cooling_off(payment: OutgoingPayment, limits: Limits, now: datetime) -> Deferral | None:
    replaced_at = payment.destination_replaced_at
    if replaced_at is None or payment.net_msat <= limits.replaced_destination_msat:
        return None
    until = replaced_at + COOLING_OFF
    if now >= until:
        return None
    return _until(until, DeferralCode.COOLING_OFF)


def _used_up(payment: OutgoingPayment, limits: Limits, usage: Usage, now: datetime) -> Deferral | None:
    counts_today = counts_on_day(payment.counted_at, now)
    if counts_today and usage.payee_day_msat + payment.net_msat > limits.per_payee_day_msat:
        return _until(
            next_day(now), DeferralCode.PAYEE_DAY_LIMIT, limit_sats=sats_from_msat(limits.per_payee_day_msat)
        )
    excess_msat = sum(usage.by_minute_msat.values()) + payment.net_msat - limits.total_hour_msat
    if counts_in_hour(payment.counted_at, now) and excess_msat > 0:
        until = hour_frees_at(usage.by_minute_msat, excess_msat=excess_msat)
        return _until(until, DeferralCode.HOUR_LIMIT, limit_sats=sats_from_msat(limits.total_hour_msat))
    return None


def _until(until: datetime, code: DeferralCode, **facts: Any) -> Deferral:
    return Deferral(code, {**facts, "until": until.isoformat()}, until)


def unexplained_difference(provider: int, *, booked: tuple[int, int], under_way: int) -> int:
    """Return how much more than the books a provider holds, or less as a negative number; 0 if that is explained.

    `booked` is what the books had before and after the provider was asked, either of which may fit its answer; of what
    is `under_way` it may have taken any part. Units: the currency of the account.
    """
    highest, lowest = max(booked), min(booked) - under_way
    return max(provider - highest, 0) or min(provider - lowest, 0)


def contained_tax_sats(amount_sats: int, *, rate_bps: int) -> int:
    """Return the tax that an amount contains: it was charged with the tax, which is not added to it.

    Rounding: down.
    """
    return amount_sats * rate_bps // (WHOLE_BPS + rate_bps)


def is_raised_much(before_sats: int, after_sats: int) -> bool:
    """Return whether a limit is raised to more than ten times what it was."""
    return after_sats > USUAL_RAISE * before_sats


def used_of_limit(kind: str, relation: LimitRelation) -> int:
    """Return what today's payments come to by the measure of a limit. Units: msat."""
    return {
        LimitKind.PER_PAYOUT: relation.largest_msat,
        LimitKind.PER_PAYEE_DAY: relation.largest_payee_msat,
        LimitKind.TOTAL_HOUR: relation.last_hour_msat,
        LimitKind.REPLACED_DESTINATION: relation.largest_msat,
    }[LimitKind(kind)]


def per_cent_of(part: int, whole: int) -> Decimal | None:
    """Return a part in per cent of the whole; None of nothing.

    Rounding: down to tenths.
    """
    return None if whole <= 0 else Decimal(part * 1_000 // whole).scaleb(-1)


def forecast_days(today: date) -> list[date]:
    """Return the days of a forecast; the first one is today."""
    return [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)]


def forecast(
    account: AccountRef, dues: Iterable[PaymentsDue], *, sendable_amount: int | None, days: Sequence[date]
) -> AccountForecast:
    """Return what is left of an account at the end of each day. Money that may come in is not counted.

    What was due before the first day falls due on it; what is due after the last day is left out.
    """
    own = [one for one in dues if one.account == account]
    left, found = sendable_amount, []
    for day in days:
        of_day = [one for one in own if max(one.due_on, days[0]) == day]
        due_amount = sum(one.money.amount for one in of_day)
        left = None if left is None else left - due_amount
        found.append(ForecastDay(day, due_amount, left, any(one.is_estimate for one in of_day)))
    return AccountForecast(account, sendable_amount, tuple(found))
