"""Claims: due disbursements are claimed under a lease; after a crash the lease runs out by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, prefetch_related_objects

from sunusav.core import switches
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.privacy import PersonKeys, keys_of
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from transfers import sql
from transfers.destination_queries import opened_with
from transfers.engine.policy import LEASE
from transfers.enums import (
    DISBURSEMENT_TRANSITIONS,
    OPEN_ATTEMPT_STATES,
    UNFINISHED_STATES,
    UNPAID_ATTEMPT_STATES,
    DisbursementState,
    FailureCode,
)
from transfers.errors import ClaimLost
from transfers.models import Attempt, Disbursement, DisbursementDestination
from transfers.queries import destination_in_use, destinations_of, subject_of
from transfers.rails import rail
from transfers.services.disbursements import begin_disbursement, locked, record_outcome

# More candidates than wanted are read, since other workers claim from the same end of the queue.
CANDIDATES, CANDIDATES_EACH = 64, 8
ENGINE = Actor.system("transfers.engine")


@dataclass(frozen=True)
class Claim:
    """A disbursement that this worker has claimed. Every later write checks the version; a stale one changes nothing.

    `row` is as it was read under the claim's lock. Anything else that changes the row also raises the version. `keys`
    has the key of the person who is paid, while the claim lasts: nobody's data is erased while they may be paid.
    """

    disbursement_id: int
    version: int
    row: Disbursement = field(compare=False, repr=False)
    keys: PersonKeys = field(default_factory=lambda: PersonKeys(()), compare=False, repr=False)

    @property
    def destination(self) -> DisbursementDestination:
        """Where it is to be paid now: its first destination that was not finally refused."""
        return destination_in_use(destinations_of(self.row))


def claim_due(*, worker: str, now: datetime, limit: int) -> list[Claim]:
    """Claim up to `limit` due disbursements, each for one worker at a time.

    In two steps: candidate ids are read without locks, then locked by primary key, skipping those that others have
    locked. A single ordered SKIP LOCKED read would lock every row it scans. While outgoing money is paused, only
    disbursements whose provider is to be queried are claimed.
    """
    return _claim_from(due(now), worker=worker, now=now, limit=limit)


def claim_open(*, worker: str, now: datetime, limit: int) -> list[Claim]:
    """Claim, as `claim_due` does, only disbursements whose provider is to be queried: nothing new is sent."""
    return _claim_from(_due_to_query(now), worker=worker, now=now, limit=limit)


@retried_on_deadlock
def _claim_from(queue: QuerySet[Disbursement], *, worker: str, now: datetime, limit: int) -> list[Claim]:
    candidates = max(CANDIDATES, limit * CANDIDATES_EACH)
    ids = list(queue.order_by("due_at").values_list("pk", flat=True)[:candidates])
    if not ids:
        return []
    with transaction.atomic(durable=True):
        free = queue.select_for_update(skip_locked=True).filter(pk__in=ids)
        rows = free.order_by("pk").prefetch_related("destinations")
        return _claim(list(rows[:limit]), worker=worker[:80], now=now)


def _claim(rows: Sequence[Disbursement], *, worker: str, now: datetime) -> list[Claim]:
    """Put a lease on locked rows."""
    Disbursement.objects.filter(pk__in=[row.pk for row in rows]).update(
        claim_version=F("claim_version") + 1, claimed_by=worker, due_at=now + LEASE
    )
    for row in rows:
        row.claim_version, row.claimed_by, row.due_at = row.claim_version + 1, worker, now + LEASE
    keys = keys_of([row.person_ref for row in rows])
    return [Claim(row.pk, row.claim_version, row, keys) for row in rows]


@retried_on_deadlock
def renew(claims: Sequence[Claim], *, now: datetime) -> None:
    """Extend the leases of claims that are still worked on; released disbursements keep their due time."""
    if claims:
        claimed_rows(claims).exclude(claimed_by="").update(due_at=now + LEASE)


def may_send(claims: Sequence[Claim], *, now: datetime) -> list[bool]:
    """Check claims and switches immediately before sending; false while outgoing money is paused or the rail is off.

    Raises: ClaimLost.
    """
    held = sql.sendable_claims(_ids_by_version(claims))
    for claim in claims:
        if claim.disbursement_id not in held.is_open:
            raise ClaimLost(disbursement_id=claim.disbursement_id)
    return [
        held.is_open[claim.disbursement_id] and claim.destination.rail not in held.rails_off
        for claim in claims
    ]


@retried_on_deadlock
def release(claim: Claim, *, due_at: datetime | None) -> None:
    """Release a disbursement, to be claimed again at `due_at`; nothing happens if the claim was lost."""
    claimed_rows([claim]).update(due_at=due_at, claimed_by="")


def claimed_rows(claims: Sequence[Claim]) -> QuerySet[Disbursement]:
    """Return those of the claimed rows whose claims still hold."""
    return Disbursement.objects.filter(sql.claimed_q(_ids_by_version(claims)))


def _ids_by_version(claims: Sequence[Claim]) -> sql.ClaimedIds:
    ids: dict[int, list[int]] = {}
    for claim in claims:
        ids.setdefault(claim.version, []).append(claim.disbursement_id)
    return ids


def require_claims(claims: Sequence[Claim], *, now: datetime) -> None:
    """Lock the claimed rows and renew their leases, in one statement; all or none. Raises: ClaimLost."""
    if sql.renew_processing_claims(_ids_by_version(claims), due_at=now + LEASE) != len(claims):
        raise ClaimLost(disbursement_id=claims[0].disbursement_id)


def locked_claim(claim: Claim) -> Disbursement:
    """Return the claimed row, in any state, under its lock. Raises: ClaimLost."""
    row = locked(claim.disbursement_id)
    if row.claim_version != claim.version:
        raise ClaimLost(disbursement_id=row.pk)
    return row


def locked_processing_claim(claim: Claim) -> Disbursement:
    """Return the claimed row, which must be in process, under its lock. Raises: ClaimLost."""
    row = locked_claim(claim)
    if row.state != DisbursementState.PROCESSING:
        raise ClaimLost(disbursement_id=row.pk)
    return row


def is_anything_due(*, now: datetime) -> bool:
    """Return whether a worker would find work: most wake-ups are for what another run has claimed already."""
    return due(now).exists()


def due(now: datetime) -> QuerySet[Disbursement]:
    """Return what is due; while outgoing money is paused, only what the provider is to be queried about."""
    return Disbursement.objects.filter(due_at__lte=now).filter(
        ~Exists(switches.outgoing_closed()) | _is_only_queried() | Q(Exists(unsettled_attempts()))
    )


def _due_to_query(now: datetime) -> QuerySet[Disbursement]:
    return Disbursement.objects.filter(_is_only_queried(), due_at__lte=now)


def _is_only_queried() -> Q:
    """Return the condition that a claim sends nothing new: an attempt is open, or the payment has ended.

    After its end its closed orders are asked about.
    """
    return ~Q(state__in=UNFINISHED_STATES) | Q(Exists(open_attempts()))


def open_attempts() -> QuerySet[Attempt]:
    """Return the open attempts of a disbursement, as a subquery of a statement about disbursements."""
    return Attempt.objects.filter(disbursement=OuterRef("pk"), state__in=OPEN_ATTEMPT_STATES)


def unsettled_attempts() -> QuerySet[Attempt]:
    """Return the closed attempts of a disbursement that were not confirmed unpaid after they could leave.

    As a subquery, and for all rails alike: by the one whose provider accepts a send the longest.
    """
    late_by = max((rail(name).late_by for name in settings.RAILS), default=timedelta(0))
    closed = Attempt.objects.filter(disbursement=OuterRef("pk"), state__in=UNPAID_ATTEMPT_STATES)
    return closed.filter(paid_outside_at=None, unpaid_at__lt=F("send_not_after") + late_by)


@retried_on_deadlock
def begin_scheduled(claim: Claim, *, now: datetime) -> Claim | None:
    """Fix fee and net of a scheduled disbursement that fell due; None if it cannot be paid as it is and failed.

    Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        if row.state != DisbursementState.SCHEDULED:
            raise ClaimLost(disbursement_id=claim.disbursement_id)
        prefetch_related_objects([row], "destinations")
        try:
            with transaction.atomic():
                destinations = [opened_with(claim.keys, one.destination) for one in destinations_of(row)]
                begin_disbursement(row, destinations, actor=ENGINE, now=now, due_at=now + LEASE)
        except DomainError as refusal:
            fail(row, refusal, now=now)
            return None
    return replace(claim, row=row)


def fail(row: Disbursement, refusal: DomainError, *, now: datetime) -> None:
    """Close a locked disbursement as failed, for a person or the platform to repair."""
    move_disbursement(
        row, DisbursementState.FAILED, action="fail", now=now, code=refusal.code, facts=refusal.stored_facts,
        due_at=None, claimed_by="",
    )  # fmt: skip
    record_outcome(row, now=now)


def move_disbursement(
    row: Disbursement,
    state: DisbursementState,
    *,
    action: str,
    now: datetime,
    code: str,
    facts: dict[str, Any],
    **fields: Any,
) -> None:
    """Fail a locked disbursement or put it under review, on behalf of the engine, and store why."""
    move(
        row, state, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action=action, actor=ENGINE,
        at=now, facts={"code": str(code), **facts}, failure_code=code, failure_facts=facts, **fields,
    )  # fmt: skip


@retried_on_deadlock
def record_broken(claim: Claim, error: Exception) -> None:
    """Record on a disbursement that a bug of ours stopped its worker, for people to see; its lease runs out."""
    unfinished = claimed_rows([claim]).filter(state__in=UNFINISHED_STATES)
    unfinished.update(failure_code=FailureCode.WORKER_BROKE, failure_facts={"error": type(error).__name__})
