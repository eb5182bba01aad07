"""Request, expedite, redirect, retry and cancel disbursements. The engine sends them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from fees.services import fix_fee
from fees.types import PricedFor
from ledger.queries import owed
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.money import msat_from_sats
from sunusav.core.outbox import Announcement, announce_all
from sunusav.core.switches import require_outgoing_open
from sunusav.core.transitions import move
from sunusav.core.wake_ups import wake, wake_for
from transfers.enums import DISBURSEMENT_TRANSITIONS, DisbursementState
from transfers.errors import (
    DisbursementMissing,
    DisbursementNotCancellable,
    DisbursementNotRetryable,
    FundsShort,
    OrderStillPayable,
    PaymentReferenceUsed,
    SubjectHeld,
)
from transfers.models import Disbursement, PaymentOrder
from transfers.queries import (
    debit_account,
    destination_of,
    has_open_attempt,
    has_payable_order,
    unsettled_until,
)
from transfers.rails import rail
from transfers.types import Destination, DisbursementRequest, Instruction

RUN_DUE_TASK = "transfers.run_due"
_S = DisbursementState


def subject_of(disbursement_id: int) -> str:
    """Return the subject of a disbursement in the trail."""
    return f"disbursement:{disbursement_id}"


def request_disbursement(*, request: DisbursementRequest, actor: Actor, now: datetime) -> int:
    """Order a payment, in the caller's transaction; without `scheduled_at` it is due at once.

    If it is due at once, its fee is fixed and its destination checked here; if it is scheduled, when it falls due.
    Raises: OutgoingPaused, SubjectHeld, FundsShort, NetNotPositive, PaymentReferenceUsed, what the rail refuses.
    """
    due_later = request.scheduled_at is not None and request.scheduled_at > now
    if not due_later:
        require_outgoing_open()
    require_subject_free(request.subject)
    row = _new_row(request, now)
    _require_funds(row)
    try:
        with transaction.atomic():
            _insert(row, actor=actor, now=now)
            if not due_later:
                begin_disbursement(row, actor=actor, now=now)
                wake(RUN_DUE_TASK)
    except IntegrityError:
        require_subject_free(request.subject)
        raise
    return int(row.pk)


def _insert(row: Disbursement, *, actor: Actor, now: datetime) -> None:
    row.save(force_insert=True)
    facts = {
        "subject": row.subject,
        "payout_sats": row.payout_sats,
        "to": destination_facts(destination_of(row)),
    }
    trail.record(
        subject=subject_of(row.pk), action="request", to_state=_S.SCHEDULED, actor=actor, at=now, facts=facts
    )


def begin_disbursement(
    row: Disbursement, *, actor: Actor, now: datetime, due_at: datetime | None = None
) -> None:
    """Fix fee and net of a locked, scheduled disbursement and hand it to the engine, at once or at `due_at`.

    Raises: NetNotPositive, PaymentReferenceUsed, what the rail refuses; the row is then as it was.
    """
    priced = _price(row, now)
    require_destination_payable(row, net_sats=priced["net_sats"], now=now)
    move(
        row, _S.PROCESSING, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="begin",
        actor=actor, at=now, facts={"net_sats": priced["net_sats"], "fee_sats": priced["fee_sats"]},
        due_at=due_at or now, **priced,
    )  # fmt: skip


def expedite_disbursement(*, disbursement_id: int, actor: Actor, now: datetime) -> None:
    """Make a scheduled disbursement due at once. Raises as `request_disbursement`."""
    require_outgoing_open()
    with transaction.atomic():
        row = locked(disbursement_id)
        if row.state == _S.SCHEDULED:
            begin_disbursement(row, actor=actor, now=now)
            wake(RUN_DUE_TASK)


def replace_destination(
    *,
    disbursement_id: int,
    destination: Destination,
    actor: Actor,
    now: datetime,
    replaced_at: datetime | None = None,
) -> None:
    """Change the destination of an unpaid disbursement; a claim on it is lost, and a waiver ends.

    `replaced_at`: when the destination became another payee's, if it did.
    Raises: DisbursementNotRetryable while an attempt may still be paid, or when it was paid.
    """
    with transaction.atomic():
        row = locked(disbursement_id)
        if row.state in (_S.COMPLETED, _S.REVERSED, _S.CANCELLED):
            raise DisbursementNotRetryable(disbursement_id=row.pk, state=row.state, why="it is closed")
        _require_no_open_attempt(row)
        facts = {"from": destination_facts(destination_of(row)), "to": destination_facts(destination)}
        row.rail, row.destination_kind = destination.rail, destination.kind
        row.destination_value = destination.value
        row.destination_replaced_at = replaced_at or row.destination_replaced_at
        row.waived_at = None
        row.claim_version += 1
        row.save(update_fields=[
            "rail", "destination_kind", "destination_value", "destination_replaced_at", "waived_at",
            "claim_version",
        ])  # fmt: skip
        trail.record(subject=subject_of(row.pk), action="redirect", actor=actor, at=now, facts=facts)


def retry_disbursement(*, disbursement_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Retry a disbursement that failed or is under review.

    Raises: OutgoingPaused, DisbursementNotRetryable, what the rail refuses.
    """
    require_outgoing_open()
    with transaction.atomic():
        row = locked(disbursement_id)
        if row.state not in (_S.FAILED, _S.NEEDS_REVIEW):
            raise DisbursementNotRetryable(disbursement_id=row.pk, state=row.state, why="it has not failed")
        _require_no_open_attempt(row)
        priced = {} if row.net_sats else _price(row, now)
        require_destination_payable(row, net_sats=row.net_sats or priced["net_sats"], now=now)
        move(
            row, _S.PROCESSING, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="retry",
            actor=actor, at=now, reason=reason, due_at=now, not_before=None, retries=0, failure_code="",
            failure_facts={},
            claim_version=row.claim_version + 1, **priced,
        )  # fmt: skip
        wake(RUN_DUE_TASK)


def cancel_disbursement(*, disbursement_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Cancel a disbursement that certainly was not paid, which frees its subject.

    An order that the provider refused may be revived by a send that is still on its way: it must have been confirmed as
    unpaid after the last moment at which it could leave. If it was not, a worker asks as soon as it can.
    Raises: DisbursementNotCancellable once it is paid or while an attempt is open; OrderStillPayable until an order
    that was closed is certainly unpaid.
    """
    with transaction.atomic():
        row = locked(disbursement_id)
        if has_open_attempt(row.pk):
            why = "an attempt may still be paid; its outcome must be known first"
            raise DisbursementNotCancellable(disbursement_id=row.pk, state=row.state, why=why)
        if _S.CANCELLED not in DISBURSEMENT_TRANSITIONS.get(row.state, frozenset()):
            raise DisbursementNotCancellable(disbursement_id=row.pk, state=row.state, why="it is closed")
        payable_until = unsettled_until(row.pk, now=now)
        if payable_until is not None:
            raise OrderStillPayable(disbursement_id=row.pk, payable_until=payable_until)
        move(
            row, _S.CANCELLED, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="cancel",
            actor=actor, at=now, reason=reason, due_at=now if has_payable_order(row.pk, now=now) else None,
            claim_version=row.claim_version + 1, claimed_by="",
        )  # fmt: skip
        record_outcome(row, now=now)


def locked(disbursement_id: int) -> Disbursement:
    """Return the row under its lock. Raises: DisbursementMissing."""
    row = Disbursement.objects.select_for_update().filter(pk=disbursement_id).first()
    if row is None:
        raise DisbursementMissing(disbursement_id=disbursement_id)
    return row


def require_subject_free(subject: str) -> None:
    """Refuse a subject that has a live disbursement. Raises: SubjectHeld."""
    live = Disbursement.objects.filter(live_subject=subject).first()
    if live is not None:
        raise SubjectHeld(subject=subject, disbursement_id=live.pk, state=live.state)


def require_destination_payable(row: Disbursement, *, net_sats: int, now: datetime) -> None:
    """Check the destination for exactly this net, without any network.

    Raises: what the rail refuses, PaymentReferenceUsed.
    """
    instruction = Instruction(row.pk, msat_from_sats(net_sats), destination_of(row))
    reference = rail(row.rail).check(instruction, now=now)
    require_reference_free(reference, disbursement_id=row.pk)


def require_reference_free(reference: str, *, disbursement_id: int) -> None:
    """Refuse a payment hash or reference that another disbursement has used. Raises: PaymentReferenceUsed."""
    used = PaymentOrder.objects.filter(reference=reference).exclude(disbursement_id=disbursement_id).first()
    if used is not None:
        raise PaymentReferenceUsed(reference=reference, disbursement_id=used.disbursement_id)


def destination_facts(destination: Destination) -> dict[str, str]:
    """Return what the trail shows of a destination: rail, kind and the SHA-256 of its value."""
    digest = hashlib.sha256(destination.value.encode()).hexdigest()
    return {"rail": destination.rail, "kind": destination.kind, "value_sha256": digest}


def record_outcome(row: Disbursement, *, now: datetime) -> None:
    """Wake the app above and announce the new state to the platform, in the caller's transaction."""
    record_outcomes([row], state=row.state, now=now)


def record_outcomes(rows: Sequence[Disbursement], *, state: str, now: datetime) -> None:
    """Do for many disbursements in one state what `record_outcome` does for one."""
    for row in rows:
        wake_for(row.subject)
    announce_all([_announcement(row, state) for row in rows], at=now)


def _announcement(row: Disbursement, state: str) -> Announcement:
    payload = {"id": row.pk, "subject": row.subject, "state": state, "net_sats": row.net_sats}
    return Announcement(f"disbursement.{state}", row.subject, payload)


def _new_row(request: DisbursementRequest, now: datetime) -> Disbursement:
    priced_for = request.priced_for or PricedFor(group_ref="", winner_ref="", settlement_partner="")
    scheduled_at = request.scheduled_at or now
    return Disbursement(
        subject=request.subject, payout_sats=request.payout_sats,
        debit_role=request.debit.role, debit_owner=request.debit.owner,
        group_ref=priced_for.group_ref, winner_ref=priced_for.winner_ref,
        settlement_partner=priced_for.settlement_partner,
        payee_ref=request.payee_ref or request.subject,
        destination_replaced_at=request.destination_replaced_at,
        rail=request.destination.rail, destination_kind=request.destination.kind,
        destination_value=request.destination.value,
        scheduled_at=scheduled_at, requested_at=now, due_at=scheduled_at,
    )  # fmt: skip


def _price(row: Disbursement, now: datetime) -> dict[str, Any]:
    if not row.group_ref:
        return {"net_sats": row.payout_sats, "fee_sats": 0}
    fixed = fix_fee(
        subject=row.subject,
        payout_sats=row.payout_sats,
        priced_for=PricedFor(row.group_ref, row.winner_ref, row.settlement_partner),
        now=now,
    )
    return {
        "net_sats": fixed.split.net_sats,
        "fee_sats": fixed.split.fee_sats,
        "assessment_id": fixed.assessment_id,
    }


def _require_funds(row: Disbursement) -> None:
    needed, available = msat_from_sats(row.payout_sats), owed(debit_account(row))
    if available < needed:
        raise FundsShort(subject=row.subject, needed_msat=needed, available_msat=available)


def _require_no_open_attempt(row: Disbursement) -> None:
    if has_open_attempt(row.pk):
        why = "an attempt may still be paid; its outcome must be known first"
        raise DisbursementNotRetryable(disbursement_id=row.pk, state=row.state, why=why)
