"""Claims: taking due disbursements in hand under a lease that a crash simply lets run out."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from operator import or_

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from sunusav.core import sql, switches
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.models import Switch
from sunusav.core.transitions import move
from transfers.engine.policy import LEASE
from transfers.enums import (
    DISBURSEMENT_TRANSITIONS,
    OPEN_ATTEMPT_STATES,
    UNDER_WORK,
    WORKER_BROKE,
    DisbursementState,
)
from transfers.errors import ClaimLost
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import begin_disbursement, record_outcome, subject_of

# More candidates than wanted are read: others are taking from the same front of the queue.
CANDIDATES, CANDIDATES_EACH = 64, 8
ENGINE = Actor.system("transfers.engine")
_TABLE = Disbursement._meta.db_table
_MAY_SEND = (
    f"SELECT id, NOT EXISTS (SELECT 1 FROM {Switch._meta.db_table} WHERE name = %s AND NOT is_open)"  # noqa: S608
    f" FROM {_TABLE} WHERE "
)
_RENEW_WORKING = f"UPDATE {_TABLE} SET due_at = %s, asks = 0 WHERE state = %s AND "  # noqa: S608


@dataclass(frozen=True)
class Claim:
    """A disbursement in this worker's hand. Every later write names the version; a stale one changes nothing.

    `row` is what was read under the claim's lock: whatever changes it otherwise takes the claim away too.
    """

    disbursement_id: int
    version: int
    row: Disbursement = field(compare=False, repr=False)


def claim_due(*, worker: str, now: datetime, limit: int) -> list[Claim]:
    """Take up to `limit` due disbursements in hand, each by one worker at a time.

    Two steps: candidate ids are read without locks, then locked by primary key, skipping those in other hands: an
    ordered SKIP LOCKED read would lock every row it scans. While outgoing money is paused only open attempts are
    taken (to ask about them).
    """
    return _claim_from(due(now), worker=worker, now=now, limit=limit)


def claim_open(*, worker: str, now: datetime, limit: int) -> list[Claim]:
    """Take in hand only what has an open attempt, to ask about it: nothing new is sent. As `claim_due` otherwise."""
    return _claim_from(_with_open_attempt(now), worker=worker, now=now, limit=limit)


def _claim_from(queue: QuerySet[Disbursement], *, worker: str, now: datetime, limit: int) -> list[Claim]:
    candidates = max(CANDIDATES, limit * CANDIDATES_EACH)
    ids = list(queue.order_by("due_at").values_list("pk", flat=True)[:candidates])
    if not ids:
        return []
    with transaction.atomic(durable=True):
        free = queue.select_for_update(skip_locked=True).filter(pk__in=ids)
        return _take(list(free.order_by("pk")[:limit]), worker=worker[:80], now=now)


def _take(rows: Sequence[Disbursement], *, worker: str, now: datetime) -> list[Claim]:
    """Put a lease on locked rows."""
    Disbursement.objects.filter(pk__in=[row.pk for row in rows]).update(
        claim_version=F("claim_version") + 1, claimed_by=worker, due_at=now + LEASE
    )
    for row in rows:
        row.claim_version, row.claimed_by, row.due_at = row.claim_version + 1, worker, now + LEASE
    return [Claim(row.pk, row.claim_version, row) for row in rows]


def renew(claims: Sequence[Claim], *, now: datetime) -> None:
    """Push the ends of leases out while their work goes on; what was given back meanwhile stays as it was put."""
    if claims:
        all_held(claims).exclude(claimed_by="").update(due_at=now + LEASE)


def may_send(claims: Sequence[Claim], *, now: datetime) -> list[bool]:
    """Look once more, the moment before money leaves: false while outgoing money is paused. Raises: ClaimLost."""
    held, values = _held_sql(claims)
    is_open = dict(sql.rows(_MAY_SEND + held, [switches.OUTGOING, *values]))
    for claim in claims:
        if claim.disbursement_id not in is_open:
            raise ClaimLost(disbursement_id=claim.disbursement_id)
    return [bool(is_open[claim.disbursement_id]) for claim in claims]


def release(claim: Claim, *, due_at: datetime | None) -> None:
    """Give a disbursement back, to be taken again at `due_at`; nothing happens if the claim was lost."""
    held(claim).update(due_at=due_at, claimed_by="")


def held(claim: Claim) -> QuerySet[Disbursement]:
    """Return the claimed row, as long as the claim holds."""
    return all_held([claim])


def all_held(claims: Sequence[Claim]) -> QuerySet[Disbursement]:
    """Return those of the claimed rows whose claims hold."""
    alike = (Q(pk__in=some, claim_version=version) for version, some in _by_version(claims).items())
    return Disbursement.objects.filter(reduce(or_, alike))


def _by_version(claims: Sequence[Claim]) -> dict[int, list[int]]:
    ids: dict[int, list[int]] = {}
    for claim in claims:
        ids.setdefault(claim.version, []).append(claim.disbursement_id)
    return ids


def _held_sql(claims: Sequence[Claim]) -> tuple[str, list[int]]:
    """Return what `all_held` filters by, for the two statements that each payment runs."""
    ids = _by_version(claims)
    alike = (f"claim_version = %s AND id IN ({sql.placeholders(some)})" for some in ids.values())
    return f"({' OR '.join(alike)})", [value for version, some in ids.items() for value in (version, *some)]


def require_claims(claims: Sequence[Claim], *, now: datetime) -> None:
    """Lock the claimed rows and renew their leases, in one statement; all or none. Raises: ClaimLost."""
    held, values = _held_sql(claims)
    if sql.run(_RENEW_WORKING + held, [now + LEASE, DisbursementState.PROCESSING.value, *values]) != len(
        claims
    ):
        raise ClaimLost(disbursement_id=claims[0].disbursement_id)


def locked_claim(claim: Claim) -> Disbursement:
    """Return the claimed row under its lock. Raises: ClaimLost."""
    row = held(claim).select_for_update().first()
    if row is None or row.state != DisbursementState.PROCESSING:
        raise ClaimLost(disbursement_id=claim.disbursement_id)
    return row


def is_anything_due(*, now: datetime) -> bool:
    """Say whether a worker would find anything to do: most doorbells ring for what another run has taken already."""
    return due(now).exists()


def due(now: datetime) -> QuerySet[Disbursement]:
    """Return what is due; while outgoing money is paused only what has an open attempt to ask about."""
    return Disbursement.objects.filter(due_at__lte=now).filter(
        ~Exists(switches.outgoing_closed()) | Exists(open_attempts())
    )


def _with_open_attempt(now: datetime) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(Exists(open_attempts()), due_at__lte=now)


def open_attempts() -> QuerySet[Attempt]:
    """Return the open attempts of a disbursement, for statements that look at them along with their own rows."""
    return Attempt.objects.filter(disbursement=OuterRef("pk"), state__in=OPEN_ATTEMPT_STATES)


def begin_scheduled(claim: Claim, *, now: datetime) -> Claim | None:
    """Fix fee and net of what fell due; what cannot be paid as it stands fails, with the reason, and books nothing.

    Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        row = held(claim).select_for_update().first()
        if row is None or row.state != DisbursementState.SCHEDULED:
            raise ClaimLost(disbursement_id=claim.disbursement_id)
        try:
            with transaction.atomic():
                begin_disbursement(row, actor=ENGINE, now=now, due_at=now + LEASE)
        except DomainError as refusal:
            fail(row, refusal, now=now)
            return None
    return replace(claim, row=row)


def fail(row: Disbursement, refusal: DomainError, *, now: datetime) -> None:
    """Close a locked disbursement as failed, for a person or the platform to repair."""
    move(
        row, DisbursementState.FAILED, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="fail",
        actor=ENGINE, at=now, reason=str(refusal), due_at=None, claimed_by="",
        failure_code=refusal.code, failure_message=str(refusal)[:500],
    )  # fmt: skip
    record_outcome(row, now=now)


def note_broken(claim: Claim, error: Exception) -> None:
    """Say on a disbursement that a mistake of ours stopped its worker: people must see it, its lease runs out."""
    told = f"a worker of ours broke over it ({type(error).__name__}); its log says where"
    held(claim).filter(state__in=UNDER_WORK).update(failure_code=WORKER_BROKE, failure_message=told)
