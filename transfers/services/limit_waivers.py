"""Waivers let one payment pass limits and cooling-off: proposed by one person, approved by another."""

from datetime import datetime
from typing import Any, Final

from django.db import transaction

from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.models import Proposal, User
from sunusav.core.money import sats_from_msat
from sunusav.core.privacy import keys_of
from sunusav.core.transitions import move
from sunusav.core.wake_ups import wake
from transfers.enums import DISBURSEMENT_TRANSITIONS, LIMIT_DEFERRALS, DisbursementState
from transfers.errors import DisbursementMissing, DisbursementNotDeferred
from transfers.models import Disbursement
from transfers.queries import destination_in_use, destinations_of, has_open_attempt, subject_of
from transfers.services.destinations import stored_digest
from transfers.services.disbursements import RUN_DUE_TASK, locked

LIMIT_WAIVER: Final = "payment_exception"
LIFTABLE_STATES: Final = (DisbursementState.PROCESSING, DisbursementState.NEEDS_REVIEW)


def propose_waiver(*, disbursement_id: int, proposer: User, reason: str, now: datetime) -> Proposal:
    """Propose to a second person that a payment passes the limits that defer it.

    Raises: DisbursementMissing, DisbursementNotDeferred; and as `approvals.propose`.
    """
    return approvals.propose(
        kind=LIMIT_WAIVER, subject_id=str(disbursement_id), proposer=proposer, now=now, reason=reason
    )


def describe_waiver(subject_id: str) -> dict[str, Any]:
    """Return the facts to approve a waiver on. Raises: DisbursementMissing, DisbursementNotDeferred."""
    row = Disbursement.objects.filter(pk=int(subject_id)).first() if subject_id.isdecimal() else None
    if row is None:
        raise DisbursementMissing(disbursement_id=int(subject_id) if subject_id.isdecimal() else 0)
    return _facts(row)


def grant_waiver(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Let a payment pass the limits and make it due now; called when a second person approves it.

    A claim on it is lost. Raises: DisbursementNotDeferred, ProposalFactsChanged.
    """
    with transaction.atomic():
        row = locked(int(proposal.subject_id))
        approvals.require_as_proposed(proposal, _facts(row))
        _waive(row, actor=actor, reason=proposal.reason, now=now)
        wake(RUN_DUE_TASK)


def is_deferred(row: Disbursement) -> bool:
    """Return whether a waiver could let this payment go."""
    return row.state in LIFTABLE_STATES and row.failure_code in LIMIT_DEFERRALS


def _waive(row: Disbursement, *, actor: Actor, reason: str, now: datetime) -> None:
    changes: dict[str, Any] = {
        "waived_at": now, "due_at": now, "claimed_by": "", "claim_version": row.claim_version + 1,
        "failure_code": "", "failure_facts": {},
    }  # fmt: skip
    lifted = {"lifted": row.failure_code}
    if row.state == DisbursementState.NEEDS_REVIEW:
        move(
            row, DisbursementState.PROCESSING, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk),
            action="except", actor=actor, at=now, reason=reason, facts=lifted, **changes,
        )  # fmt: skip
        return
    Disbursement.objects.filter(pk=row.pk).update(**changes)
    trail.record(
        subject=subject_of(row.pk), action="except", actor=actor, at=now, reason=reason, facts=lifted
    )


def _facts(row: Disbursement) -> dict[str, Any]:
    if not is_deferred(row) or has_open_attempt(row.pk):
        raise DisbursementNotDeferred(disbursement_id=row.pk, state=row.state, failure_code=row.failure_code)
    destination = destination_in_use(destinations_of(row))
    return {
        "subject": row.subject,
        "net_sats": None if row.net_msat is None else sats_from_msat(row.net_msat),
        "payee": row.payee_ref,
        "rail": destination.rail,
        "destination_kind": destination.kind,
        "destination_digest": stored_digest(destination, keys_of([row.person_ref])),
    }
