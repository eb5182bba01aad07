"""Limits: what may leave, and when. Messages: what a payment under review waits for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sunusav.core.calendar import DAKAR
from transfers.enums import DeferralCode
from transfers.types import Deferral

HOUR = timedelta(minutes=60)
MINUTE = timedelta(minutes=1)
# How long a payment to a replaced destination waits, unless two people waive it.
COOLING_OFF = timedelta(hours=24)
_MINUTE_KEY = "%Y-%m-%dT%H:%M"

# Shown to the platform as messages, by failure code.
HAPPENED = {
    "payment-vanished": "The outside no longer knows a payment that was under way, or another node answered.",
    "answer-contradicts-records": "The outside says that it was paid, but not as we ordered it.",
    "last-order-in-doubt": "Of the last order the outside says neither that it was paid nor that it was refused.",
    "paid-before": "An earlier order for the same subject was paid after all.",
    "refused-when-sent-again": "The payee's wallet refused it when it was sent again; it may have been paid before.",
    "payout-above-limit": "It is above what may leave without a second person's exception.",
    "destination-unavailable": "The service of its destination gave no invoice, as often as it was asked.",
}
WAITS_FOR_OUTCOME = (
    "Nothing more is sent. It waits until the outside tells the outcome, or until two people have decided it."
)
WAITS_FOR_PERSON = "Nothing is under way. It waits for a person to retry it or to cancel it."


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
        limit_sats = smallest_msat // 1_000
        message = f"it is above the limit of {limit_sats} sats for one payout; a second person can except it"
        return Deferral(DeferralCode.PAYOUT_ABOVE_LIMIT, message, None)
    return _cooling_off(payment, limits, now) or _used_up(payment, limits, usage, now)


def _cooling_off(payment: OutgoingPayment, limits: Limits, now: datetime) -> Deferral | None:
    replaced_at = payment.destination_replaced_at
    if replaced_at is None or payment.net_msat <= limits.replaced_destination_msat:
        return None
    until = replaced_at + COOLING_OFF
    if now >= until:
        return None
    message = (
        f"its destination became another payee's after the cycle was ready; it goes at {until.isoformat()}"
    )
    return Deferral(DeferralCode.COOLING_OFF, message, until)


def _used_up(payment: OutgoingPayment, limits: Limits, usage: Usage, now: datetime) -> Deferral | None:
    counts_today = counts_on_day(payment.counted_at, now)
    if counts_today and usage.payee_day_msat + payment.net_msat > limits.per_payee_day_msat:
        until = next_day(now)
        message = f"its payee's limit of {limits.per_payee_day_msat // 1_000} sats a day is used up"
        return Deferral(DeferralCode.PAYEE_DAY_LIMIT, f"{message}; it goes at {until.isoformat()}", until)
    excess_msat = sum(usage.by_minute_msat.values()) + payment.net_msat - limits.total_hour_msat
    if counts_in_hour(payment.counted_at, now) and excess_msat > 0:
        until = hour_frees_at(usage.by_minute_msat, excess_msat=excess_msat)
        message = f"the limit of {limits.total_hour_msat // 1_000} sats in an hour is used up"
        return Deferral(
            DeferralCode.HOUR_LIMIT, f"{message}; it is tried again at {until.isoformat()}", until
        )
    return None


def review_message(code: str, message: str, *, is_open: bool) -> str:
    """Return why a payment is under review and what it waits for; `is_open`: the provider may still pay it."""
    happened = HAPPENED.get(code) or f"It was not paid ({message or code or 'no reason known'})."
    return f"{happened} {WAITS_FOR_OUTCOME if is_open else WAITS_FOR_PERSON}"
