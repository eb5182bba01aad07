"""The circuit breaker of a rail: after ten failed payments in a row it is stopped; later one payment tries it.

Failures are refusals that say something about the rail. An unavailable rail is asked once per run (`gates`) and loses
no payment: it stops nothing here. Queries about open attempts are never stopped. A rail that pays writes nothing here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q

from sunusav.core import trail
from sunusav.core.outbox import announce
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.wake_ups import wake
from transfers import sql
from transfers.engine.claims import ENGINE
from transfers.engine.deferring import WAIT_COLUMNS, make_due
from transfers.enums import PAYEES_OWN, BreakerState, DeferralCode, DisbursementState, FailureClass
from transfers.models import Disbursement, RailBreaker
from transfers.queries import with_rail
from transfers.services.disbursements import RUN_DUE_TASK
from transfers.types import Deferral

FAILURES_IN_A_ROW: Final = 10
FIRST_WAIT_SECONDS: Final = 60
LONGEST_WAIT_SECONDS: Final = 600
# They are locked while the breaker is; what is left is released by the next look at the rail.
RESUMED_AT_ONCE: Final = 500
_S = BreakerState


def count_refusal(rail: str, failure: FailureClass, *, disbursement_id: int, now: datetime) -> None:
    """Count a refusal against its rail, unless it says nothing about other payments.

    The payee's own refusals do not, and neither does an amount that our side cannot send. Refused credentials switch
    the rail off.
    """
    if failure in (*PAYEES_OWN, FailureClass.HOLD, FailureClass.STOP):
        _free_try(rail, disbursement_id=disbursement_id, now=now)
    else:
        count_failure(rail, disbursement_id=disbursement_id, now=now)


@retried_on_deadlock
def count_failure(rail: str, *, disbursement_id: int, now: datetime) -> None:
    """Count a failed payment of a rail; the tenth payment in a row stops it, a failed try keeps it stopped for longer.

    A payment counts once, however often it fails.
    """
    # Committed before the row is locked: inserts that wait for each other would deadlock when each locks it.
    RailBreaker.objects.get_or_create(rail=rail, defaults={"changed_at": now})
    with transaction.atomic(durable=True):
        row = RailBreaker.objects.select_for_update().get(pk=rail)
        if disbursement_id not in row.failed_ids:
            row.failed_ids = [*row.failed_ids, disbursement_id][-FAILURES_IN_A_ROW:]
            row.failures += 1
        if row.state == _S.CLOSED and row.failures >= FAILURES_IN_A_ROW:
            _stop(row, FIRST_WAIT_SECONDS, now=now)
        elif row.state == _S.HALF_OPEN and row.probe_id == disbursement_id:
            _stop(row, min(2 * row.wait_seconds, LONGEST_WAIT_SECONDS), now=now)
        else:
            RailBreaker.objects.filter(pk=rail).update(failures=row.failures, failed_ids=row.failed_ids)


def release_try(rail: str, *, disbursement_id: int, why: str, now: datetime) -> None:
    """End the try of a payment that was not sent: while the rail is unavailable it failed, else another may try."""
    if not sql.stopped_rail_names():
        return
    if why == DeferralCode.RAIL_UNAVAILABLE:
        _fail_try(rail, disbursement_id=disbursement_id, now=now)
    elif why != DeferralCode.RAIL_STOPPED:
        _free_try(rail, disbursement_id=disbursement_id, now=now)


@retried_on_deadlock
def _fail_try(rail: str, *, disbursement_id: int, now: datetime) -> None:
    with transaction.atomic(durable=True):
        row = RailBreaker.objects.select_for_update().filter(pk=rail).first()
        if row is not None and row.state == _S.HALF_OPEN and row.probe_id == disbursement_id:
            _stop(row, min(2 * row.wait_seconds, LONGEST_WAIT_SECONDS), now=now)


@retried_on_deadlock
def _free_try(rail: str, *, disbursement_id: int, now: datetime) -> None:
    """Let another payment try a stopped rail at once: the outcome of this one says nothing about the rail."""
    tried = RailBreaker.objects.filter(pk=rail, state=_S.HALF_OPEN, probe_id=disbursement_id)
    tried.update(retry_at=now)


@retried_on_deadlock
def count_success(rail: str, *, now: datetime) -> None:
    """Reset the failures of a rail that has paid; if it was stopped, resume it and all that waits for that."""
    if not sql.has_failures(rail):
        return
    with transaction.atomic(durable=True):
        row = RailBreaker.objects.select_for_update().get(pk=rail)
        if row.state != _S.CLOSED:
            _record(row, "resume_rail", _S.CLOSED, now=now)
            _resume_payments(rail, now=now)
        RailBreaker.objects.filter(pk=rail).update(
            state=_S.CLOSED, failures=0, failed_ids=[], wait_seconds=0, retry_at=None, probe_id=None,
            last_probe_id=None, changed_at=now,
        )  # fmt: skip


def _resume_payments(rail: str, *, now: datetime) -> None:
    """Make due at once what waits because the rail was stopped; the gate defers what does not fit."""
    waiting = with_rail(Disbursement.objects.all()).filter(
        Q(not_before=None) | Q(not_before__lte=now), rail_in_use=rail, state=DisbursementState.PROCESSING,
        failure_code=DeferralCode.RAIL_STOPPED, due_at__gt=now,
    )  # fmt: skip
    first = waiting.order_by("due_at").only(*WAIT_COLUMNS)[:RESUMED_AT_ONCE]
    if make_due(list(first), now=now):
        wake(RUN_DUE_TASK)


def count_successes(rails: Sequence[str], /, *, now: datetime) -> list[None]:
    """Count a success of each rail once, however many payments it made."""
    for rail in sorted(set(rails)):
        count_success(rail, now=now)
    return [None] * len(rails)


@dataclass(frozen=True)
class Sending:
    """A payment that is about to go by a rail."""

    rail: str
    disbursement_id: int


def deferrals_by_breakers(payments: Sequence[Sending], /, *, now: datetime) -> list[Deferral | None]:
    """Return for each payment its deferral if its rail is stopped, with one statement while no rail is."""
    stopped = sql.stopped_rail_names()
    return [
        deferral_by_breaker(one.rail, disbursement_id=one.disbursement_id, now=now)
        if one.rail in stopped
        else None
        for one in payments
    ]


def deferral_by_breaker(rail: str, *, disbursement_id: int, now: datetime) -> Deferral | None:
    """Return the deferral of a payment whose rail is stopped, or None for the one payment that may try the rail."""
    row = RailBreaker.objects.filter(pk=rail).exclude(state=_S.CLOSED).first()
    if (
        row is None
        or _has_try(row, disbursement_id, now)
        or take_try(row, disbursement_id=disbursement_id, now=now)
    ):
        return None
    row.refresh_from_db(fields=["state", "retry_at"])
    return None if row.state == _S.CLOSED else deferral_while_stopped(row)


def deferral_while_stopped(row: RailBreaker) -> Deferral:
    """Return the deferral of payments by a stopped rail."""
    facts = {"rail": row.rail, "failures": FAILURES_IN_A_ROW}
    return Deferral(DeferralCode.RAIL_STOPPED, facts, row.retry_at)


def _has_try(row: RailBreaker, disbursement_id: int, now: datetime) -> bool:
    return row.probe_id == disbursement_id and row.retry_at is not None and row.retry_at > now


@retried_on_deadlock
def take_try(row: RailBreaker, *, disbursement_id: int, now: datetime) -> bool:
    """Take the one try of a stopped rail, by compare-and-set; if it never ends, another may try after the same wait."""
    if row.retry_at is None or row.retry_at > now:
        return False
    with transaction.atomic(durable=True):
        same = RailBreaker.objects.filter(pk=row.pk, retry_at=row.retry_at, probe_id=row.probe_id)
        wait = timedelta(seconds=row.wait_seconds)
        taken = same.update(
            state=_S.HALF_OPEN, retry_at=now + wait, probe_id=disbursement_id, last_probe_id=disbursement_id,
            changed_at=now,
        )  # fmt: skip
        if taken == 1:
            _record(row, "try_rail", _S.HALF_OPEN, now=now)
    return taken == 1


def is_being_tried(row: RailBreaker, *, now: datetime) -> bool:
    """Return whether a payment tries a stopped rail, and no other may yet."""
    return row.state == _S.HALF_OPEN and row.retry_at is not None and row.retry_at > now


def try_sooner(row: RailBreaker, *, now: datetime) -> None:
    """Let a payment try a stopped rail at once, in the caller's transaction, unless the breaker has changed.

    A try that is under way keeps the rail for its time.
    """
    same = RailBreaker.objects.filter(pk=row.pk, retry_at=row.retry_at, probe_id=row.probe_id)
    same.filter(state=_S.OPEN, retry_at__gt=now).update(retry_at=now)


def _stop(row: RailBreaker, wait_seconds: int, *, now: datetime) -> None:
    RailBreaker.objects.filter(pk=row.pk).update(
        state=_S.OPEN, failures=row.failures, failed_ids=row.failed_ids, wait_seconds=wait_seconds,
        probe_id=None, changed_at=now, retry_at=now + timedelta(seconds=wait_seconds),
    )  # fmt: skip
    _record(row, "stop_rail", _S.OPEN, now=now)


def _record(row: RailBreaker, action: str, state: str, *, now: datetime) -> None:
    """Append a change of state to the trail, and announce it to the platform unless it is only a try."""
    subject = f"rail:{row.rail}"
    trail.record(
        subject=subject, action=action, from_state=row.state, to_state=state, actor=ENGINE, at=now,
        facts={"failures": row.failures},
    )  # fmt: skip
    if state == _S.HALF_OPEN:
        return
    topic = "rail.stopped" if state == _S.OPEN else "rail.resumed"
    payload = {"rail": row.rail, "state": str(state), "failures": row.failures}
    announce(topic=topic, subject=subject, payload=payload, at=now)
