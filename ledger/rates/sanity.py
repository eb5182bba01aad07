"""Which answers of market sources are accepted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from ledger.calculations import XOF_PER_EUR, is_near, is_within_bounds, median_rate
from ledger.enums import QuarantineReason, RateRefusal
from ledger.errors import RateAnswerRefused

# Older than any answer of a live market, and less than a rate stays fresh.
OLDEST_ANSWER = timedelta(minutes=5)
# A price in any currency has fewer digits; with more, arithmetic itself could overflow.
LARGEST_EXPONENT = 20


@dataclass(frozen=True)
class Judgement:
    """The rate that the accepted sources agree on, why it may not be used, and which sources were refused."""

    rate_xof_per_btc: Decimal
    accepted: dict[str, Decimal]
    refusals: dict[str, str]
    quarantine_reason: QuarantineReason


def parse_rate(source: str, amount: object, currency: str) -> Decimal:
    """Return a source's price in francs per bitcoin. Raises: RateAnswerRefused, with the reason."""
    number = _number(source, amount)
    if not number.is_finite():
        raise _refused(source, RateRefusal.NOT_FINITE, amount)
    if number <= 0:
        raise _refused(source, RateRefusal.NOT_POSITIVE, amount)
    if abs(number.adjusted()) > LARGEST_EXPONENT:
        raise _refused(source, RateRefusal.OUT_OF_BOUNDS, amount)
    rate = _francs(source, number, currency)
    if not is_within_bounds(rate):
        raise _refused(source, RateRefusal.OUT_OF_BOUNDS, amount)
    return rate


def require_recent(source: str, observed_at: datetime | None, *, now: datetime) -> None:
    """Refuse an answer whose own time stamp is too old or as far in the future. Raises: RateAnswerRefused."""
    if observed_at is not None and abs(now - observed_at) > OLDEST_ANSWER:
        raise _refused(source, RateRefusal.STALE, observed_at.isoformat())


def judge(
    rates: Mapping[str, Decimal], refusals: Mapping[str, str], *, last_accepted: Decimal | None
) -> Judgement:
    """Return the median of at least one rate without those far from it, and whether to quarantine it.

    A median is quarantined when half or more of the answers are far from it, or when it is far from the last
    accepted rate.
    """
    middle = median_rate(rates.values())
    near = {name: rate for name, rate in rates.items() if is_near(rate, middle)}
    far = dict.fromkeys(rates.keys() - near.keys(), RateRefusal.FAR_FROM_MEDIAN.value)
    rate = median_rate(near.values()) if near else middle
    return Judgement(
        rate_xof_per_btc=rate,
        accepted=near,
        refusals={**refusals, **far},
        quarantine_reason=_quarantine_reason(rate, last_accepted, is_minority=2 * len(near) <= len(rates)),
    )


def _quarantine_reason(
    rate: Decimal, last_accepted: Decimal | None, *, is_minority: bool
) -> QuarantineReason:
    if is_minority:
        return QuarantineReason.SOURCES_DISAGREE
    if last_accepted is not None and not is_near(rate, last_accepted):
        return QuarantineReason.JUMPED
    return QuarantineReason.NONE


def _number(source: str, amount: object) -> Decimal:
    # Numbers arrive as text (`get_json` keeps fractions exact). Python counts a bool as an int.
    if isinstance(amount, float):
        raise _refused(source, RateRefusal.NOT_FINITE, amount)  # only NaN and Infinity arrive as floats
    if isinstance(amount, bool) or not isinstance(amount, (str, int)):
        raise _refused(source, RateRefusal.UNREADABLE, amount)
    try:
        return Decimal(amount)
    except InvalidOperation:
        raise _refused(source, RateRefusal.UNREADABLE, amount) from None


def _francs(source: str, number: Decimal, currency: str) -> Decimal:
    if currency == "XOF":
        return number
    if currency == "EUR":
        return number * XOF_PER_EUR
    raise _refused(source, RateRefusal.OTHER_PAIR, currency)


def _refused(source: str, refusal: RateRefusal, detail: object) -> RateAnswerRefused:
    return RateAnswerRefused(source=source, refusal=refusal.value, detail=str(detail)[:200])
