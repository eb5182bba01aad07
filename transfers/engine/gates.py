"""Before claiming: new payments that cannot be sent now are deferred together, instead of being claimed one by one.

Disbursements with an open attempt are always claimed, to query the provider. Nothing here decides that a payment may
go: limits, breaker and the rail's own check do that later.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import Exists, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from sunusav.core.money import msat_from_sats
from transfers.engine.breaker import deferral_while_stopped
from transfers.engine.claims import due, open_attempts
from transfers.engine.deferring import defer_all
from transfers.engine.policy import DEFER_FOR, QUERY_AGAIN_AFTER
from transfers.enums import DeferralCode, DisbursementState
from transfers.errors import RailUnavailable
from transfers.models import Disbursement, RailBreaker
from transfers.queries import stopped_rails
from transfers.rails import rail
from transfers.types import Deferral

logger = logging.getLogger(__name__)


def defer_unsendable(*, now: datetime, limit: int) -> None:
    """Defer, of the first `limit` new payments that are due, those whose rail is stopped, unavailable or short.

    Asks each needed rail once for its balance; where that covers all, no payment is read. Called outside any
    transaction.
    """
    stopped = {row.rail: row for row in stopped_rails()}
    for name, wanted_sats in _wanted_sats(now, limit).items():
        rows = partial(_first, name, now=now, limit=limit)
        if name not in stopped:
            _defer_beyond_balance(name, rows, msat_from_sats(wanted_sats), now=now)
        elif probe := _defer_while_stopped(stopped[name], rows(), now=now):
            _defer_beyond_balance(name, partial(list, probe), sum(map(_amount_msat, probe)), now=now)


def _new_and_due(now: datetime) -> QuerySet[Disbursement]:
    return due(now).exclude(Exists(open_attempts())).order_by("due_at")


def _wanted_sats(now: datetime, limit: int) -> dict[str, int]:
    """Return the total of the first new payments per rail. An unknown rail is left to the flow, which refuses it."""
    wanted = _new_and_due(now).annotate(wanted_sats=Coalesce("net_sats", "payout_sats"))[:limit]
    sums = wanted.aggregate(**{name: Sum("wanted_sats", filter=Q(rail=name)) for name in settings.RAILS})
    return {name: sats for name, sats in sums.items() if sats}


def _first(name: str, *, now: datetime, limit: int) -> list[Disbursement]:
    """Return those of the first new payments that go by a rail."""
    columns = ("rail", "state", "payout_sats", "net_sats", "failure_code")
    return [row for row in _new_and_due(now).only(*columns)[:limit] if row.rail == name]


def _defer_while_stopped(
    stopped: RailBreaker, rows: Sequence[Disbursement], *, now: datetime
) -> list[Disbursement]:
    """Defer payments by a stopped rail; return the one that may try it, if it is time for a try."""
    assert stopped.retry_at is not None, "a constraint holds this too"  # noqa: S101  (a programmer's mistake)
    why = deferral_while_stopped(stopped)
    processing = list(_processing(rows))
    if stopped.retry_at > now:
        defer_all(processing, why, now=now)
        return []
    defer_all(processing[1:], replace(why, until=now + QUERY_AGAIN_AFTER), now=now)
    return processing[:1]


def _defer_beyond_balance(
    name: str, rows: Callable[[], Sequence[Disbursement]], wanted_msat: int, *, now: datetime
) -> None:
    """Defer what exceeds the balance of the rail, in the order of due times; a later, smaller payment may still go."""
    try:
        available_msat = rail(name).balance()
    except RailUnavailable as error:
        logger.warning("rail %s is unavailable: %s", name, error.detail)
        until = now + QUERY_AGAIN_AFTER
        defer_all(_processing(rows()), deferral_while_unavailable(error, until=until), now=now)
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
    why = Deferral(DeferralCode.LIQUIDITY_SHORT, {"rail": name}, now + DEFER_FOR)
    defer_all(_processing(short), why, now=now)


def _amount_msat(row: Disbursement) -> int:
    return msat_from_sats(row.net_sats or row.payout_sats)


def deferral_while_unavailable(error: RailUnavailable, *, until: datetime) -> Deferral:
    """Return the deferral of a payment whose rail is unavailable."""
    return Deferral(DeferralCode.RAIL_UNAVAILABLE, error.stored_facts, until)


def _processing(rows: Sequence[Disbursement]) -> Iterator[Disbursement]:
    """Yield the payments in process: a scheduled one is claimed first, which fixes its fee on the day it is due."""
    return (row for row in rows if row.state == DisbursementState.PROCESSING)
