"""Before claiming: new payments that cannot be sent now are deferred together, instead of being claimed one by one.

Disbursements with an open attempt are always claimed, to query the provider. Nothing here decides that a payment may
go: limits, breaker and the rail's own check do that later.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, Q, Sum
from django.db.models.functions import Coalesce

from ledger.enums import Currency
from ledger.types import Money
from transfers import sql
from transfers.engine.breaker import deferral_while_stopped, take_try
from transfers.engine.claims import due, open_attempts, unsettled_attempts
from transfers.engine.coverage import Queued, WaitsFor, covered
from transfers.engine.deferring import defer_all
from transfers.engine.policy import DEFER_FOR, QUERY_AGAIN_AFTER
from transfers.engine.switching import deferral_while_off, switch_off_refused
from transfers.enums import UNFINISHED_STATES, DeferralCode, DisbursementState
from transfers.errors import RailCredentialsRefused, RailUnavailable
from transfers.models import Disbursement, RailBreaker
from transfers.queries import stopped_rails, with_rail
from transfers.rails import Rail, rail
from transfers.types import Deferral, Sendable

logger = logging.getLogger(__name__)

# A send must leave within twenty seconds of its intent: a rail that is asked may not hold up those of others.
ASK_SECONDS = 5.0


def defer_unsendable(*, now: datetime, limit: int) -> None:
    """Defer, of the first `limit` new payments that are due, those whose rail is off, stopped, unavailable or short.

    Asks each needed rail that is on once what it can send; where that covers all, no payment is read. Called outside
    any transaction.
    """
    unusable = sql.unusable_rail_names()
    stopped = {row.rail: row for row in stopped_rails()} if unusable.stopped else {}
    for name, wanted in _wanted(now, limit).items():
        rows = partial(_first, name, now=now, limit=limit)
        if name in unusable.switched_off:
            defer_all(_processing(rows()), deferral_while_off(name, now=now), now=now)
        elif name not in stopped:
            _defer_unfit(name, rows, wanted, now=now)
        else:
            _defer_while_stopped(stopped[name], rows(), now=now)


@dataclass(frozen=True)
class _Wanted:
    """The new payments that are due by one rail: how many, their sum and the largest. Units: the rail's currency."""

    count: int
    total: int
    largest: int


def _new_and_due(now: datetime) -> Any:
    """Return what is due to be sent. What has a closed order that is to be asked about first is left to the flow."""
    new = due(now).filter(state__in=UNFINISHED_STATES).exclude(Exists(open_attempts()))
    return with_rail(new).exclude(Exists(unsettled_attempts())).order_by("due_at")


def _wanted(now: datetime, limit: int) -> dict[str, _Wanted]:
    """Return what the first new payments want, per rail. An unknown rail is left to the flow, which refuses it."""
    wanted = _new_and_due(now).annotate(
        wanted_msat=Coalesce("net_msat", "payout_msat"), wanted_xof=Coalesce("pay_xof", 0)
    )[:limit]
    sums: dict[str, Any] = {}
    for name in settings.RAILS:
        by_rail, amount = Q(rail_in_use=name), f"wanted_{rail(name).account.currency.lower()}"
        sums[f"{name}_count"] = Count("pk", filter=by_rail)
        sums[f"{name}_total"] = Sum(amount, filter=by_rail)
        sums[f"{name}_largest"] = Max(amount, filter=by_rail)
    found = wanted.aggregate(**sums)
    return {
        name: _Wanted(found[f"{name}_count"], found[f"{name}_total"], found[f"{name}_largest"])
        for name in settings.RAILS
        if found[f"{name}_count"]
    }


def _first(name: str, *, now: datetime, limit: int) -> list[Disbursement]:
    """Return those of the first new payments that go by a rail."""
    columns = ("state", "payout_msat", "net_msat", "pay_xof", "failure_code")
    return [row for row in _new_and_due(now).only(*columns)[:limit] if row.rail_in_use == name]


def _defer_while_stopped(stopped: RailBreaker, rows: Sequence[Disbursement], *, now: datetime) -> None:
    """Defer payments by a stopped rail, except the one that may try it, if it is time for a try.

    Each try is by another payment, of those that fit into what is sendable: one that cannot go does not keep others
    waiting. It is taken here, before an order that never arrives and is sent again can take every one.
    """
    assert stopped.retry_at is not None, "a constraint holds this too"  # noqa: S101  (a programmer's mistake)
    why = deferral_while_stopped(stopped)
    if stopped.retry_at > now:
        defer_all(_processing(rows), why, now=now)
        return
    fitting = _defer_unfit(stopped.rail, lambda: rows, None, now=now)
    probe = _next_probe(list(_processing(fitting)), after=stopped.last_probe_id)
    is_taken = probe is not None and take_try(stopped, disbursement_id=probe.pk, now=now)
    others = [row for row in _processing(fitting) if not is_taken or row is not probe]
    defer_all(others, replace(why, until=now + QUERY_AGAIN_AFTER), now=now)


def _next_probe(rows: Sequence[Disbursement], *, after: int | None) -> Disbursement | None:
    """Return the next payment in turn: the first with a higher number than the last that tried, else the first."""
    in_turn = sorted(rows, key=lambda row: row.pk)
    later = (row for row in in_turn if after is not None and row.pk > after)
    return next(later, in_turn[0] if in_turn else None)


def _defer_unfit(
    name: str, rows: Callable[[], Sequence[Disbursement]], wanted: _Wanted | None, *, now: datetime
) -> Sequence[Disbursement]:
    """Defer what does not fit into what the rail can send, in the order of due times; a later, smaller payment may go.

    Return the payments that fit, unless `wanted` shows that all do.
    """
    paid_by = rail(name)
    try:
        sendable = _sendable(paid_by)
    except RailCredentialsRefused as refusal:
        switch_off_refused(refusal, asked_at=now, now=now)
        defer_all(_processing(rows()), deferral_while_off(name, now=now), now=now)
        return []
    except RailUnavailable as error:
        logger.warning("rail %s is unavailable: %s", name, error.detail)
        until = now + QUERY_AGAIN_AFTER
        defer_all(_processing(rows()), deferral_while_unavailable(error, until=until), now=now)
        return []
    if wanted is not None and _all_fit(wanted, sendable, paid_by):
        return []
    fitting, short = _split(rows(), sendable, paid_by)
    why = Deferral(DeferralCode.LIQUIDITY_SHORT, {"rail": name}, now + DEFER_FOR)
    defer_all(_processing(short), why, now=now)
    return fitting


def _sendable(paid_by: Rail) -> Sendable:
    """Ask a rail what it can send, in a thread of its own: the caller advances the payments of all rails.

    Raises: RailUnavailable, also when the rail does not answer in time.
    """
    calls = ThreadPoolExecutor(1, "rail-gate")
    try:
        return calls.submit(paid_by.sendable).result(ASK_SECONDS)
    except TimeoutError as late:
        raise RailUnavailable(rail=paid_by.name, detail=f"no answer within {ASK_SECONDS:.0f} s") from late
    finally:
        calls.shutdown(wait=False)


def _all_fit(wanted: _Wanted, sendable: Sendable, paid_by: Rail) -> bool:
    """Return whether all payments fit for certain: none costs more to send than the largest."""
    largest = _needed(wanted.largest, paid_by)
    most = wanted.total + wanted.count * (largest - wanted.largest)
    return largest <= sendable.largest.amount and most <= sendable.total.amount


def _split(
    rows: Sequence[Disbursement], sendable: Sendable, paid_by: Rail
) -> tuple[list[Disbursement], list[Disbursement]]:
    """Return the payments that fit and those that do not."""
    queue = [queued(row, paid_by, WaitsFor.NEXT) for row in rows]
    fitting = covered(queue, total=sendable.total.amount, largest=sendable.largest.amount)
    ids = {one.disbursement_id for one in fitting}
    return [row for row in rows if row.pk in ids], [row for row in rows if row.pk not in ids]


def queued(row: Disbursement, paid_by: Rail, waits_for: WaitsFor) -> Queued:
    """Return a payment with what must be sendable for it: nothing yet, while its francs are not fixed."""
    is_francs = paid_by.account.currency is Currency.XOF
    amount = (row.pay_xof or 0) if is_francs else (row.net_msat or row.payout_msat)
    return Queued(row.pk, _needed(amount, paid_by), waits_for)


def _needed(amount: int, paid_by: Rail) -> int:
    return paid_by.needed(Money(amount, paid_by.account.currency)).amount


def deferral_while_unavailable(error: RailUnavailable, *, until: datetime) -> Deferral:
    """Return the deferral of a payment whose rail is unavailable."""
    return Deferral(DeferralCode.RAIL_UNAVAILABLE, error.stored_facts, until)


def _processing(rows: Sequence[Disbursement]) -> Iterator[Disbursement]:
    """Yield the payments in process: a scheduled one is claimed first, which fixes its fee on the day it is due."""
    return (row for row in rows if row.state == DisbursementState.PROCESSING)
