"""Which answers of market sources are believed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from ledger.calculations import XOF_PER_EUR, is_near, is_within_bounds, median_rate
from ledger.enums import QuarantineReason, RateRefusal
from ledger.errors import RateAnswerRefused

# Longer than any answer of a live market is old; shorter than a rate stays fresh.
OLDEST_ANSWER = timedelta(minutes=5)
# A price in any currency has fewer digits; beyond them arithmetic itself could overflow.
LARGEST_EXPONENT = 20


@dataclass(frozen=True)
class Judgement:
    """The rate that the believed sources agree on, or why it may not be used, and who was not believed."""

    rate_xof_per_btc: Decimal
    believed: dict[str, Decimal]
    refusals: dict[str, str]
    quarantine_reason: QuarantineReason


def believable(source: str, amount: object, currency: str) -> Decimal:
    """Return a source's price in francs per bitcoin. Raises: RateAnswerRefused, by name of what is wrong."""
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
    """Refuse an answer whose own time stamp is old, or lies as far ahead. Raises: RateAnswerRefused."""
    if observed_at is not None and abs(now - observed_at) > OLDEST_ANSWER:
        raise _refused(source, RateRefusal.STALE, observed_at.isoformat())


def judge(
    rates: Mapping[str, Decimal], refusals: Mapping[str, str], *, last_accepted: Decimal | None
) -> Judgement:
    """Take the median of at least one rate, drop who is far from it, and say whether the rest is doubtful.

    Doubtful is a median that half or more of those who answered are far from, and one far from the last
    accepted.
    """
    middle = median_rate(rates.values())
    near = {name: rate for name, rate in rates.items() if is_near(rate, middle)}
    far = dict.fromkeys(rates.keys() - near.keys(), RateRefusal.FAR_FROM_MEDIAN.value)
    rate = median_rate(near.values()) if near else middle
    return Judgement(
        rate_xof_per_btc=rate,
        believed=near,
        refusals={**refusals, **far},
        quarantine_reason=_doubt(rate, last_accepted, is_minority=2 * len(near) <= len(rates)),
    )


def _doubt(rate: Decimal, last_accepted: Decimal | None, *, is_minority: bool) -> QuarantineReason:
    if is_minority:
        return QuarantineReason.SOURCES_DISAGREE
    if last_accepted is not None and not is_near(rate, last_accepted):
        return QuarantineReason.JUMPED
    return QuarantineReason.NONE


def _number(source: str, amount: object) -> Decimal:
    # Numbers arrive as text (`get_json` keeps fractions exact); a bool is an int to Python, not to us.
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
