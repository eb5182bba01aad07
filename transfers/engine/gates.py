"""Before claiming: what cannot go now is put off, all at once, instead of being taken in hand one by one.

Only new payments are looked at: what has an open attempt is always claimed, to be asked about. Nothing here decides
that a payment may go: limits, breaker and the rail's own check do, later.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import Exists, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from sunusav.core.money import msat_from_sats
from transfers.engine import breaker
from transfers.engine.claims import due, open_attempts
from transfers.engine.deferring import defer_all
from transfers.engine.policy import ASK_AGAIN_AFTER, HOLD_FOR
from transfers.enums import DeferralCode, DisbursementState
from transfers.errors import RailUnavailable
from transfers.models import Disbursement, RailBreaker
from transfers.queries import stopped_rails
from transfers.rails import rail
from transfers.types import Deferral

logger = logging.getLogger(__name__)


def defer_unsendable(*, now: datetime, limit: int) -> None:
    """Put off, of the first `limit` new payments that are due, those whose rail is stopped, away or short.

    Asks each rail that is needed once what it could send; where that suffices for all, no payment is read. Called
    outside any transaction.
    """
    stopped = {row.rail: row for row in stopped_rails()}
    for name, wanted_sats in _wanted_sats(now, limit).items():
        rows = partial(_first, name, now=now, limit=limit)
        if name not in stopped:
            _keep_what_fits(name, rows, msat_from_sats(wanted_sats), now=now)
        elif left := _left_by_breaker(stopped[name], rows(), now=now):
            _keep_what_fits(name, partial(list, left), sum(map(_amount_msat, left)), now=now)


def _new_and_due(now: datetime) -> QuerySet[Disbursement]:
    return due(now).exclude(Exists(open_attempts())).order_by("due_at")


def _wanted_sats(now: datetime, limit: int) -> dict[str, int]:
    """Return what the first new payments want of each rail. One we do not have is a mistake that claiming tells."""
    wanted = _new_and_due(now).annotate(wanted_sats=Coalesce("net_sats", "payout_sats"))[:limit]
    sums = wanted.aggregate(**{name: Sum("wanted_sats", filter=Q(rail=name)) for name in settings.RAILS})
    return {name: sats for name, sats in sums.items() if sats}


def _first(name: str, *, now: datetime, limit: int) -> list[Disbursement]:
    """Return those of the first new payments that go by a rail."""
    columns = ("rail", "state", "payout_sats", "net_sats", "failure_code")
    return [row for row in _new_and_due(now).only(*columns)[:limit] if row.rail == name]


def _left_by_breaker(
    stopped: RailBreaker, rows: Sequence[Disbursement], *, now: datetime
) -> list[Disbursement]:
    """Return the one payment that may try a stopped rail, if it is time; the others are put off."""
    assert stopped.retry_at is not None, "the database says so too"  # noqa: S101  (a programmer's mistake)
    why = breaker.stopped(stopped)
    processing = list(_that_wait(rows))
    if stopped.retry_at > now:
        defer_all(processing, why, now=now)
        return []
    defer_all(processing[1:], Deferral(why.code, why.message, now + ASK_AGAIN_AFTER), now=now)
    return processing[:1]


def _keep_what_fits(
    name: str, rows: Callable[[], Sequence[Disbursement]], wanted_msat: int, *, now: datetime
) -> None:
    """Put off what the rail could not send, in the order it fell due; what is smaller and later may still go."""
    try:
        available_msat = rail(name).balance()
    except RailUnavailable as away:
        logger.warning("rail %s is away: %s", name, away.detail)
        defer_all(_that_wait(rows()), rail_unavailable(away, until=now + ASK_AGAIN_AFTER), now=now)
        return
    if wanted_msat <= available_msat:
        return
    short = []
    for row in rows():
        amount_msat = _amount_msat(row)
        if amount_msat <= available_msat:
            available_msat -= amount_msat
        else:
            short.append(row)
    defer_all(_that_wait(short), _liquidity_short(name, until=now + HOLD_FOR), now=now)


def _amount_msat(row: Disbursement) -> int:
    return msat_from_sats(row.net_sats or row.payout_sats)


def rail_unavailable(away: RailUnavailable, *, until: datetime) -> Deferral:
    """Say how long a payment waits for a rail that is away."""
    return Deferral(DeferralCode.RAIL_UNAVAILABLE, f"{away.rail} is away or short: {away.detail}", until)


def _liquidity_short(name: str, *, until: datetime) -> Deferral:
    return Deferral(DeferralCode.LIQUIDITY_SHORT, f"{name} holds too little to send it now", until)


def _that_wait(rows: Sequence[Disbursement]) -> Iterator[Disbursement]:
    """Yield what waits as processing: what falls due by schedule is begun first, its fee is fixed today."""
    return (row for row in rows if row.state == DisbursementState.PROCESSING)
