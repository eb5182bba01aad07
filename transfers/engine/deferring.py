"""Defer payments that may be made, but not now: store why, and when they are due again."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from sunusav.core.money import sats_from_msat
from sunusav.core.outbox import Announcement, announce_all
from sunusav.core.trail import TrailFact, record_all
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.wake_ups import wake
from transfers.engine.claims import ENGINE, Claim, claimed_rows
from transfers.engine.unresolved import put_under_review
from transfers.enums import LIMIT_DEFERRALS, DeferralCode, DisbursementState
from transfers.models import Disbursement
from transfers.queries import subject_of, with_rail
from transfers.services.disbursements import RUN_DUE_TASK
from transfers.types import Deferral

# The trail and subscribers know deferrals by these codes, which are older than the word.
DEFER_ACTION: Final = "hold_back"
DEFERRED_TOPIC: Final = "disbursement.held_back"
# A moment may have come by the time it is stored. Due at once, the payment would be claimed again and again in one run.
SHORTEST_DEFERRAL: Final = timedelta(seconds=1)
# They are locked while the breaker or the switch is; what is left is released by the next look at the rail.
RESUMED_AT_ONCE: Final = 500
# What a payment's wait consists of. It has changed if one of them has.
WAIT_COLUMNS: Final = ("state", "claim_version", "failure_code", "due_at", "not_before")


@retried_on_deadlock
def defer(claim: Claim, why: Deferral, *, now: datetime, watch_at: datetime | None = None) -> None:
    """Release a claimed disbursement until it may go; what waiting cannot solve is put under review.

    `watch_at`: when the closed orders of one under review are asked about.
    Raises: ClaimLost, only for a review; otherwise nothing happens if the claim was lost.
    """
    if why.until is None:
        put_under_review(claim, code=why.code, facts=why.facts, now=now, due_at=watch_at)
        return
    with transaction.atomic(durable=True):
        changed = claimed_rows([claim]).update(due_at=_due_at(why, now), claimed_by="", **_failure(why))
        if changed == 1:
            _record([claim.row], why, now=now)


@retried_on_deadlock
def defer_all(rows: Iterable[Disbursement], why: Deferral, *, now: datetime) -> None:
    """Defer due disbursements that nobody has claimed until `why` ends, all in one statement."""
    ids = [row.pk for row in rows]
    if not ids:
        return
    with transaction.atomic(durable=True):
        # A disbursement that was claimed since is no longer due.
        waiting = Disbursement.objects.select_for_update(skip_locked=True).filter(pk__in=ids, due_at__lte=now)
        unclaimed = list(waiting.order_by("pk"))
        locked = Disbursement.objects.filter(pk__in=[row.pk for row in unclaimed])
        locked.update(due_at=_due_at(why, now), **_failure(why))
        _record(unclaimed, why, now=now)


def make_due(rows: Sequence[Disbursement], *, now: datetime) -> set[int]:
    """Make waiting payments due at once, in the caller's transaction; return which.

    `rows` are as they were read before, with `WAIT_COLUMNS`. One that is locked, or was claimed or changed since, is
    left alone.
    """
    read = {row.pk: row for row in rows}
    free = Disbursement.objects.select_for_update(skip_locked=True).filter(pk__in=read, claimed_by="")
    locked = free.order_by("pk").only(*WAIT_COLUMNS)
    ids = {row.pk for row in locked if _wait_of(row) == _wait_of(read[row.pk])}
    Disbursement.objects.filter(pk__in=ids).update(due_at=now, not_before=None)
    return ids


def make_waiting_due(rail_name: str, code: DeferralCode, *, now: datetime) -> None:
    """Make due at once what a rail deferred by this code, in the caller's transaction, and wake a worker for it.

    The gate defers what does not fit.
    """
    waiting = with_rail(Disbursement.objects.all()).filter(
        Q(not_before=None) | Q(not_before__lte=now), rail_in_use=rail_name, state=DisbursementState.PROCESSING,
        failure_code=code, due_at__gt=now,
    )  # fmt: skip
    first = waiting.order_by("due_at").only(*WAIT_COLUMNS)[:RESUMED_AT_ONCE]
    if make_due(list(first), now=now):
        wake(RUN_DUE_TASK)


def _wait_of(row: Disbursement) -> tuple[Any, ...]:
    return tuple(getattr(row, column) for column in WAIT_COLUMNS)


def _due_at(why: Deferral, now: datetime) -> datetime | None:
    return None if why.until is None else max(why.until, now + SHORTEST_DEFERRAL)


def _failure(why: Deferral) -> dict[str, Any]:
    return {"failure_code": why.code, "failure_facts": why.facts}


def _record(rows: Iterable[Disbursement], why: Deferral, *, now: datetime) -> None:
    """Record a deferral in the trail unless it is for the same reason as before.

    Limits and cooling-off are also announced to the platform, since an invoice may expire in hours. A rail that is
    stopped or unavailable is reported once for the rail, not for each payment.
    """
    changed = [row for row in rows if row.failure_code != why.code]
    kept = {"code": str(why.code), **why.facts}
    record_all([TrailFact(subject_of(row.pk), DEFER_ACTION, ENGINE, now, facts=kept) for row in changed])
    if changed and why.code in LIMIT_DEFERRALS and why.until is not None:
        facts = {"failure_code": str(why.code), "until": why.until.isoformat()}
        announce_all([_announcement(row, facts) for row in changed], at=now)


def _announcement(row: Disbursement, facts: dict[str, str]) -> Announcement:
    payload = {
        "id": row.pk,
        "subject": row.subject,
        "state": row.state,
        "net_sats": sats_from_msat(row.net_msat or 0),
        **facts,
    }
    return Announcement(DEFERRED_TOPIC, row.subject, payload)
