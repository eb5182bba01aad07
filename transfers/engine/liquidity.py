"""Looks at what each rail can send: stores it for pages and metrics, and releases the payments that waited for it.

Without this, payments would only be looked at again when their own wait is over: a minute when the rail was short, up
to ten when it is stopped, up to sixteen when the provider refused them for insufficient balance.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Q, QuerySet

from ledger.queries import balance
from sunusav.core.clock import Clock
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.wake_ups import wake
from transfers.calculations import unexplained_difference
from transfers.engine.breaker import is_being_tried, try_sooner
from transfers.engine.claims import open_attempts
from transfers.engine.coverage import Before, Queued, WaitsFor, decide_release
from transfers.engine.deferring import WAIT_COLUMNS, make_due
from transfers.engine.gates import queued
from transfers.engine.switching import switch_off_refused
from transfers.enums import (
    RAIL_DEFERRALS,
    UNFINISHED_STATES,
    UNPAID_ATTEMPT_STATES,
    BreakerState,
    DisbursementState,
    FailureClass,
)
from transfers.errors import RailCredentialsRefused, RailUnavailable
from transfers.models import Attempt, Disbursement, RailBreaker, RailLiquidity
from transfers.queries import switched_off, with_rail
from transfers.rails import Rail, rail
from transfers.services.disbursements import RUN_DUE_TASK
from transfers.types import Sendable

# How long a run waits for answers; nobody else looks at the same rail until its lease has run out.
LOOK_SECONDS, LOOK_LEASE = 20.0, timedelta(seconds=30)
# So many payments of a rail are compared with what it can send, as many as the gate reads before a claim.
QUEUE_READS = 10_000
QUEUE_COLUMNS = ("payout_msat", "net_msat", "pay_xof", *WAIT_COLUMNS)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Look:
    """A look that this run has begun. `lease_until` tells it from a later one.

    `under_way` are the attempts that were open before the rail was asked, `booked_amount` what the books had then.
    """

    rail: str
    asked_at: datetime
    lease_until: datetime
    under_way: tuple[int, ...]
    booked_amount: int


@dataclass(frozen=True)
class _Answer:
    """What a rail can send, and what it holds for us; None if only that is not known."""

    sendable: Sendable
    provider_amount: int | None


def look_at_rails(rail_names: Iterable[str], *, clock: Clock, wait_seconds: float = LOOK_SECONDS) -> int:
    """Ask these rails side by side what they can send, and record each answer when it arrives.

    Returns how many payments were released. One that does not answer in time counts as unavailable; one that is
    switched off, or that another run is looking at, is left out. Called outside any transaction.
    Raises: in the end, the first error of a rail or of the database; the other rails are recorded before.
    """
    off = {row.provider for row in switched_off()}
    begun = [look for name in rail_names if name not in off and (look := _begin(name, now=clock()))]
    calls = ThreadPoolExecutor(max(len(begun), 1), "rail-look")
    released, errors = 0, []
    try:
        asked = {calls.submit(_ask, rail(look.rail)): look for look in begun}
        for look, answer in _answers(asked, wait_seconds):
            try:
                released += _record(look, answer, wait_seconds, clock=clock)
            except Exception as error:
                logger.exception("rail %s could not be looked at", look.rail)
                errors.append(error)
    finally:
        calls.shutdown(wait=False, cancel_futures=True)
    if errors:
        raise errors[0]
    return released


@retried_on_deadlock
def _begin(name: str, *, now: datetime) -> _Look | None:
    """Take the lease on a rail's looks, by compare-and-set; None if another run has it."""
    RailLiquidity.objects.get_or_create(rail=name)
    lease_until = now + LOOK_LEASE
    free = RailLiquidity.objects.filter(Q(looking_until=None) | Q(looking_until__lte=now), pk=name)
    if free.update(looking_until=lease_until) == 0:
        return None
    return _Look(name, now, lease_until, tuple(_open_attempts(name)), balance(rail(name).account))


def _ask(asked: Rail) -> _Answer:
    """Ask a rail what it can send and what it holds for us. Raises: RailUnavailable if it does not know the first."""
    sendable = asked.sendable()
    try:
        return _Answer(sendable, asked.balance().amount)
    except RailCredentialsRefused:
        raise
    except RailUnavailable:
        return _Answer(sendable, None)


def _answers(
    asked: Mapping[Future[_Answer], _Look], wait_seconds: float
) -> Iterator[tuple[_Look, Future[_Answer]]]:
    """Yield each look with its answer as it arrives, and in the end those that are still without one."""
    waiting = dict(asked)
    try:
        for answer in as_completed(asked, timeout=wait_seconds):
            yield waiting.pop(answer), answer
    except TimeoutError:
        for answer, look in waiting.items():
            yield look, answer


def _record(look: _Look, answer: Future[_Answer], wait_seconds: float, *, clock: Clock) -> int:
    """Record an answer, or that there is none; return how many payments were released. Raises: what the rail raised."""
    if not answer.done():
        late = RailUnavailable(rail=look.rail, detail=f"no answer within {wait_seconds:.0f} s")
        return _record_unavailable(look, late, clock=clock)
    try:
        found = answer.result()
    except RailUnavailable as error:
        if isinstance(error, RailCredentialsRefused):
            switch_off_refused(error, asked_at=look.asked_at, now=clock())
        return _record_unavailable(look, error, clock=clock)
    return _record_found(look, found, clock=clock)


@retried_on_deadlock
def _record_unavailable(look: _Look, error: RailUnavailable, *, clock: Clock) -> int:
    """Record why a rail is unavailable; the amounts that were known stay, for the look that finds it available."""
    logger.warning("rail %s is unavailable: %s", look.rail, error.detail)
    with transaction.atomic(durable=True):
        _own(look, now=_locked_at(look, clock)).update(
            seen_at=look.asked_at, looking_until=None, failure_code=error.code,
            failure_facts=error.stored_facts,
        )  # fmt: skip
    return 0


@retried_on_deadlock
def _record_found(look: _Look, answer: _Answer, *, clock: Clock) -> int:
    """Record what a rail can send and release what may go; return how many payments.

    Nothing happens after the lease has run out, or another run has taken it: this process was stopped meanwhile.
    """
    with transaction.atomic(durable=True):
        now = _locked_at(look, clock)
        own = _own(look, now=now)
        before = own.first()
        if before is None:
            return 0
        found = answer.sendable
        released, missed = _release(before, found, now=now)
        under_way = {*look.under_way, *_open_attempts(look.rail)}
        own.update(
            currency=found.total.currency, total=found.total.amount, largest=found.largest.amount,
            unusable=_unusable(found),
            known_at=look.asked_at, seen_at=look.asked_at, failure_code="", failure_facts={}, looking_until=None,
            under_way=sorted(under_way), missed=missed, **_compared(look, before, answer, under_way),
        )  # fmt: skip
    return released


def _compared(look: _Look, before: RailLiquidity, answer: _Answer, under_way: set[int]) -> dict[str, Any]:
    """Return the columns that compare what the provider holds with the books; none if it is not known."""
    if answer.provider_amount is None:
        return {}
    account = rail(look.rail).account
    booked_amount = balance(account)
    difference = unexplained_difference(
        answer.provider_amount,
        booked=(look.booked_amount, booked_amount),
        under_way=_taken(Attempt.objects.filter(pk__in=under_way)),
    )
    return {
        "provider_amount": answer.provider_amount,
        "booked_amount": booked_amount, "difference_amount": difference, "balance_at": look.asked_at,
        "differs_since": (before.differs_since or look.asked_at) if difference else None,
    }  # fmt: skip


def _locked_at(look: _Look, clock: Clock) -> datetime:
    """Lock the row of a look in the caller's transaction, and return the moment.

    A process that is stopped after this moment loses the lock with its transaction, so it cannot record late.
    """
    RailLiquidity.objects.select_for_update().get(pk=look.rail)
    return clock()


def _own(look: _Look, *, now: datetime) -> QuerySet[RailLiquidity]:
    """Return the row of a look while its lease lasts, else nothing."""
    return RailLiquidity.objects.filter(pk=look.rail, looking_until=look.lease_until, looking_until__gt=now)


def _unusable(found: Sendable) -> list[dict[str, Any]]:
    return [{"reference": one.reference, "amount": one.amount.amount} for one in found.unusable]


def _open_attempts(name: str) -> QuerySet[Attempt, int]:
    return Attempt.objects.filter(closed_at=None, order__rail=name).values_list("pk", flat=True)


# What is released


@dataclass(frozen=True)
class _Payment:
    """A payment in the queue of a rail. `hold_id`: its newest attempt, if that was refused for insufficient balance."""

    row: Disbursement
    queued: Queued
    hold_id: int | None = None


@dataclass(frozen=True)
class _Hold:
    """An attempt that was refused for insufficient balance."""

    attempt_id: int
    closed_at: datetime


def _release(before: RailLiquidity, found: Sendable, *, now: datetime) -> tuple[int, list[int]]:
    """Make payments due at once, and a stopped rail's next try.

    Nothing, while a payment tries the rail: when it is paid, all are due.
    Returns how many, and the attempts of those that are left to a later look.
    """
    stopped = RailBreaker.objects.filter(pk=before.rail).exclude(state=BreakerState.CLOSED).first()
    if stopped is not None and is_being_tried(stopped, now=now):
        return 0, before.missed
    queue = {one.row.pk: one for one in _queue(before, now)}
    release = decide_release(
        _before(before), found, [one.queued for one in queue.values()], is_stopped=stopped is not None
    )
    released = make_due([queue[pk].row for pk in release.disbursement_ids], now=now)
    if stopped is not None and release.tries_rail:
        try_sooner(stopped, now=now)
    if released or release.tries_rail:
        wake(RUN_DUE_TASK)
    wanted = (*release.disbursement_ids, *release.too_soon)
    left = [queue[pk].hold_id for pk in wanted if pk not in released]
    return len(released), [hold_id for hold_id in left if hold_id is not None]


def _before(row: RailLiquidity) -> Before | None:
    """Return what the last look with an answer found, with what has come back unpaid since."""
    if row.total is None or row.largest is None:
        return None
    unpaid = Attempt.objects.filter(pk__in=row.under_way, state__in=UNPAID_ATTEMPT_STATES)
    return Before(row.total, row.largest, _taken(unpaid), row.is_available)


def _taken(attempts: QuerySet[Attempt]) -> int:
    """Return what attempts take from their rail at most. Units: the rail's currency."""
    amounts = attempts.values_list("order__amount", "order__cost_limit")
    return sum(amount + cost for amount, cost in amounts)


def _queue(before: RailLiquidity, now: datetime) -> list[_Payment]:
    """Return what is due or claimed, then what waits, in the order of due times; nothing when nothing waits.

    What must not go before a moment is a hold, or else a retry.
    """
    deferred = Q(failure_code__in=RAIL_DEFERRALS, due_at__gt=now, claimed_by="")
    rows = _unpaid(before.rail).filter(deferred | Q(not_before__gt=now), state=DisbursementState.PROCESSING)
    waiting = list(rows.order_by("due_at", "pk").only(*QUEUE_COLUMNS)[:QUEUE_READS])
    if not waiting:
        return []
    due = _unpaid(before.rail).filter(Q(due_at__lte=now) | ~Q(claimed_by="")).exclude(not_before__gt=now)
    going = [
        _payment(row, WaitsFor.NEXT)
        for row in due.order_by("due_at", "pk").only(*QUEUE_COLUMNS)[:QUEUE_READS]
    ]
    held = _holds([row.pk for row in waiting if _is_before_its_time(row, now)])
    return [*going, *_waiting(waiting, held, set(before.missed), now)]


def _unpaid(name: str) -> Any:
    unfinished = Disbursement.objects.filter(state__in=UNFINISHED_STATES, due_at__isnull=False)
    return with_rail(unfinished).filter(rail_in_use=name).exclude(Exists(open_attempts()))


def _waiting(
    rows: Sequence[Any], held: Mapping[int, _Hold], missed: set[int], now: datetime
) -> Iterator[_Payment]:
    for row in rows:
        if row.pk in held:
            hold = held[row.pk]
            one = queued(row, rail(row.rail_in_use), WaitsFor.MONEY)
            is_too_soon = now < _earliest_release(row, hold)
            one = replace(one, was_missed=hold.attempt_id in missed, is_too_soon=is_too_soon)
            yield _Payment(row, one, hold.attempt_id)
        else:
            yield _payment(row, WaitsFor.TIME if _is_before_its_time(row, now) else WaitsFor.RAIL)


def _payment(row: Any, waits_for: WaitsFor) -> _Payment:
    return _Payment(row, queued(row, rail(row.rail_in_use), waits_for))


def _earliest_release(row: Disbursement, hold: _Hold) -> datetime:
    """Return when a refused payment may be released: after a quarter of its wait.

    A payment has six such waits. With a channel that comes and goes, looks could use them up within minutes; a quarter
    of each is almost twelve minutes in all.
    """
    assert row.not_before is not None, "only what has a wait is held"  # noqa: S101  (a programmer's mistake)
    return hold.closed_at + (row.not_before - hold.closed_at) // 4


def _is_before_its_time(row: Disbursement, now: datetime) -> bool:
    return row.not_before is not None and row.not_before > now


def _holds(disbursement_ids: Sequence[int]) -> dict[int, _Hold]:
    """Return, of those whose newest attempt was refused for insufficient balance, that attempt."""
    attempts = Attempt.objects.filter(disbursement__in=disbursement_ids).order_by("number")
    columns = ("disbursement_id", "failure_class", "pk", "closed_at")
    newest = {row[0]: row[1:] for row in attempts.values_list(*columns)}
    return {one: _Hold(*hold) for one, (failure, *hold) in newest.items() if failure == FailureClass.HOLD}
