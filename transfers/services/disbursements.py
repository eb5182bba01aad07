"""Request, expedite, redirect, retry and cancel disbursements. The engine sends them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from typing import Any

from django.db import IntegrityError, transaction

from fees.types import PricedFor
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.money import sats_from_msat
from sunusav.core.outbox import Announcement, announce_all
from sunusav.core.privacy import keys_for
from sunusav.core.subjects import require_subject
from sunusav.core.switches import require_outgoing_open
from sunusav.core.transitions import move
from sunusav.core.wake_ups import wake, wake_for
from transfers.attempt_queries import has_payable_order, unsettled_until
from transfers.destination_queries import open_destinations
from transfers.enums import DISBURSEMENT_TRANSITIONS, UNPAID_STATES, DisbursementState, HoldFrom
from transfers.errors import (
    ApprovalDiffers,
    DestinationApproved,
    DisbursementMissing,
    DisbursementNotCancellable,
    DisbursementNotRetryable,
    FrancsNotAgreed,
    OrderStillPayable,
    PaymentReferenceUsed,
    SubjectHeld,
)
from transfers.models import Disbursement, DisbursementDestination, PaymentOrder
from transfers.queries import destinations_of, has_open_attempt, subject_of
from transfers.rails import rail
from transfers.services.amounts import (
    converted,
    expected_amount,
    held,
    pays_francs,
    priced,
    release_hold,
)
from transfers.services.destinations import (
    destination_facts,
    digest_of_destination,
    request_digest,
    seal_destination,
)
from transfers.services.limits import end_admission
from transfers.types import Choice, Destination, DisbursementRequest, Instruction

RUN_DUE_TASK = "transfers.run_due"
_S = DisbursementState


def request_disbursement(*, request: DisbursementRequest, actor: Actor, now: datetime) -> int:
    """Order a payment, in the caller's transaction; without `scheduled_at` it is due at once.

    If it is due at once, its fee is fixed, its destinations checked and its amount held here; if it is scheduled, when
    it falls due, unless the request has the amount held from now on.
    Raises: OutgoingPaused, SubjectHeld, FundsShort, NetNotPositive, NetBelowOneFranc, ApprovalDiffers,
    PaymentReferenceUsed, what the rails refuse.
    """
    due_later = request.scheduled_at is not None and request.scheduled_at > now
    if not due_later:
        require_outgoing_open()
    _require_consistent(request)
    require_subject(request.subject)
    require_subject_free(request.subject)
    row = _new_row(request, now)
    try:
        with transaction.atomic():
            _insert(row, request.choices, actor=actor, now=now)
            if request.hold_from == HoldFrom.REQUEST:
                _store(row, held(row, now=now))
            if not due_later:
                destinations = [choice.destination for choice in request.choices]
                begin_disbursement(row, destinations, actor=actor, now=now)
                wake(RUN_DUE_TASK)
    except IntegrityError:
        require_subject_free(request.subject)
        raise
    return int(row.pk)


def _require_consistent(request: DisbursementRequest) -> None:
    """Refuse what contradicts itself. Raises: ApprovalDiffers, FrancsNotAgreed."""
    if request.approved_digest and request.approved_digest != request_digest(request):
        raise ApprovalDiffers(subject=request.subject)
    if request.pay_xof is not None and (
        request.priced_for is not None
        or not all(pays_francs(choice.destination.rail) for choice in request.choices)
    ):
        raise FrancsNotAgreed(subject=request.subject)


def _insert(row: Disbursement, choices: Sequence[Choice], *, actor: Actor, now: datetime) -> None:
    row.save(force_insert=True)
    to = _insert_choices(row, choices, now=now)
    facts = {"subject": row.subject, "payout_sats": sats_from_msat(row.payout_msat), "to": _facts_of(to[0])}
    if to[1:]:
        facts["or_to"] = _facts_of(to[1])
    trail.record(
        subject=subject_of(row.pk), action="request", to_state=_S.SCHEDULED, actor=actor, at=now, facts=facts
    )


def _insert_choices(
    row: Disbursement, choices: Sequence[Choice], *, now: datetime
) -> list[DisbursementDestination]:
    keys, person = keys_for(row.person_ref), row.person_ref
    return DisbursementDestination.objects.bulk_create(
        DisbursementDestination(
            disbursement=row, position=position, rail=choice.destination.rail, kind=choice.destination.kind,
            sealed_value=seal_destination(keys, person, choice.destination).sealed_value,
            digest=digest_of_destination(keys, person, choice.destination), set_at=now,
            replaced_at=choice.replaced_at,
        )
        for position, choice in enumerate(choices, start=1)
    )  # fmt: skip


def _facts_of(stored: DisbursementDestination) -> dict[str, str]:
    return destination_facts(stored.rail, stored.kind, stored.digest)


def begin_disbursement(
    row: Disbursement,
    destinations: Sequence[Destination],
    *,
    actor: Actor,
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    """Fix the amounts of a locked, scheduled disbursement, hold them, and hand it to the engine, now or at `due_at`.

    `destinations` are its own, in their order. Raises: NetNotPositive, NetBelowOneFranc, FundsShort,
    PaymentReferenceUsed, what the rails refuse; the row is then as it was, for a caller that rolls back.
    """
    fixed = _fixed_amounts(row, destinations, rate_at=row.terms_at, now=now)
    net_msat, fee_msat = fixed["net_msat"], fixed["fee_msat"]
    move(
        row, _S.PROCESSING, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="begin",
        actor=actor, at=now,
        facts={"net_sats": sats_from_msat(net_msat), "fee_sats": sats_from_msat(fee_msat)},
        due_at=due_at or now, terms_at=row.terms_at, **fixed,
    )  # fmt: skip


def _fixed_amounts(
    row: Disbursement, destinations: Sequence[Destination], *, rate_at: datetime, now: datetime
) -> dict[str, Any]:
    """Fix what is not fixed yet: fee and net, francs, the hold; one destination must accept exactly that.

    Francs have the rate of `rate_at`; if none was fresh then, that of now.
    Raises: what the rail of the first destination refuses, if none accepts it.
    """
    fixed: dict[str, Any] = {"net_msat": row.net_msat, "fee_msat": row.fee_msat, **priced(row)}
    net_msat = fixed["net_msat"]
    rails = [one.rail for one in destinations]
    fixed |= converted(row, rails, net_msat=net_msat, now=rate_at) or converted(
        row, rails, net_msat=net_msat, now=now
    )
    pay_xof = fixed.get("pay_xof", row.pay_xof)
    refusals = []
    for destination in destinations:
        try:
            require_payable(destination, disbursement_id=row.pk, net_msat=net_msat, pay_xof=pay_xof, now=now)
        except DomainError as refusal:
            refusals.append(refusal)
    if len(refusals) == len(destinations):
        raise refusals[0]
    return fixed | held(row, now=now)


def _store(row: Disbursement, columns: dict[str, Any]) -> None:
    """Store columns of a locked row."""
    for name, value in columns.items():
        setattr(row, name, value)
    if columns:
        Disbursement.objects.filter(pk=row.pk).update(**columns)


def expedite_disbursement(*, disbursement_id: int, actor: Actor, now: datetime) -> None:
    """Make a scheduled disbursement due at once, on the terms of now. Raises as `request_disbursement`."""
    require_outgoing_open()
    with transaction.atomic():
        row = locked(disbursement_id)
        if row.state == _S.SCHEDULED:
            row.terms_at = min(row.terms_at, now)
            begin_disbursement(row, _opened(row), actor=actor, now=now)
            wake(RUN_DUE_TASK)


def replace_destinations(
    *, disbursement_id: int, choices: Sequence[Choice], actor: Actor, now: datetime
) -> None:
    """Change the destinations of an unpaid disbursement; a claim on it is lost, and a waiver ends.

    Raises: DisbursementNotRetryable while an attempt may still be paid, or when it was paid; DestinationApproved for
    one that was approved: what is paid then is what was approved; NetBelowOneFranc.
    """
    with transaction.atomic():
        row = locked(disbursement_id)
        if row.state in (_S.COMPLETED, _S.REVERSED, _S.CANCELLED):
            raise DisbursementNotRetryable(disbursement_id=row.pk, state=row.state, why="it is closed")
        if row.approved_digest:
            raise DestinationApproved(disbursement_id=row.pk)
        _require_no_open_attempt(row)
        before = destinations_of(row)
        row.destinations.all().delete()
        # A later change that keeps the payee does not end the wait of an earlier one.
        waits = [one.replaced_at for one in before]
        kept = [
            replace(choice, replaced_at=choice.replaced_at or wait)
            for choice, wait in zip_longest(choices, waits[: len(choices)])
        ]
        after = _insert_choices(row, kept, now=now)
        francs = {}
        if row.net_msat is not None:
            rails = [choice.destination.rail for choice in choices]
            francs = converted(row, rails, net_msat=row.net_msat, now=now)
        _store(row, {"waived_at": None, "claim_version": row.claim_version + 1, **francs})
        facts = _redirection(before, after)
        trail.record(subject=subject_of(row.pk), action="redirect", actor=actor, at=now, facts=facts)


def _redirection(
    before: Sequence[DisbursementDestination], after: Sequence[DisbursementDestination]
) -> dict[str, Any]:
    named = {"from": before[:1], "to": after[:1], "from_second": before[1:], "to_second": after[1:]}
    return {name: _facts_of(one) for name, found in named.items() for one in found}


def retry_disbursement(*, disbursement_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Retry a disbursement that failed or is under review, at its first destination again.

    A retry by a person counts against the limits of the hour and the day.
    Raises: OutgoingPaused, DisbursementNotRetryable, FundsShort, what the rails refuse.
    """
    require_outgoing_open()
    with transaction.atomic():
        row = locked(disbursement_id)
        if row.state not in (_S.FAILED, _S.NEEDS_REVIEW):
            raise DisbursementNotRetryable(disbursement_id=row.pk, state=row.state, why="it has not failed")
        _require_no_open_attempt(row)
        fixed = _fixed_amounts(row, _opened(row), rate_at=now, now=now)
        row.destinations.update(refused_at=None, refusal_code="")
        move(
            row, _S.PROCESSING, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="retry",
            actor=actor, at=now, reason=reason, due_at=now, not_before=None, retries=0, failure_code="",
            failure_facts={}, claim_version=row.claim_version + 1, **fixed, **end_admission(row, now=now),
        )  # fmt: skip
        wake(RUN_DUE_TASK)


def cancel_disbursement(*, disbursement_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Cancel a disbursement that certainly was not paid, which frees its subject and what it holds.

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
        release_hold(row, now=now)
        move(
            row, _S.CANCELLED, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="cancel",
            actor=actor, at=now, reason=reason, due_at=now if has_payable_order(row.pk, now=now) else None,
            claim_version=row.claim_version + 1, claimed_by="",
        )  # fmt: skip
        record_outcome(row, now=now)


def _opened(row: Disbursement) -> list[Destination]:
    return open_destinations([one.destination for one in destinations_of(row)])


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


def require_payable(
    destination: Destination, *, disbursement_id: int, net_msat: int, pay_xof: int | None, now: datetime
) -> None:
    """Check a destination for exactly this net, without any network.

    Raises: what the rail refuses, PaymentReferenceUsed.
    """
    amount = expected_amount(destination.rail, net_msat=net_msat, pay_xof=pay_xof, now=now)
    reference = rail(destination.rail).check(Instruction(disbursement_id, amount, destination), now=now)
    require_reference_free(reference, disbursement_id=disbursement_id)


def require_reference_free(reference: str, *, disbursement_id: int) -> None:
    """Refuse a payment hash or reference that another disbursement has used. Raises: PaymentReferenceUsed."""
    used = PaymentOrder.objects.filter(reference=reference).exclude(disbursement_id=disbursement_id).first()
    if used is not None:
        raise PaymentReferenceUsed(reference=reference, disbursement_id=used.disbursement_id)


def rename_payee(*, person_ref: str, sealed_name: bytes) -> None:
    """Have payments to a person that are not made yet use a corrected name, in the caller's transaction."""
    unpaid = Disbursement.objects.filter(person_ref=person_ref, state__in=UNPAID_STATES)
    unpaid.exclude(sealed_name=None).update(sealed_name=sealed_name)


def record_outcome(row: Disbursement, *, now: datetime) -> None:
    """Wake the app above and announce the new state to the platform, in the caller's transaction."""
    record_outcomes([row], state=row.state, now=now)


def record_outcomes(rows: Sequence[Disbursement], *, state: str, now: datetime) -> None:
    """Do for many disbursements in one state what `record_outcome` does for one."""
    for row in rows:
        wake_for(row.subject)
    announce_all([_announcement(row, state) for row in rows], at=now)


def _announcement(row: Disbursement, state: str) -> Announcement:
    net_sats = None if row.net_msat is None else sats_from_msat(row.net_msat)
    payload = {"id": row.pk, "subject": row.subject, "state": state, "net_sats": net_sats}
    return Announcement(f"disbursement.{state}", row.subject, payload)


def _new_row(request: DisbursementRequest, now: datetime) -> Disbursement:
    priced_for = request.priced_for or PricedFor(group_ref="", winner_ref="", settlement_partner="")
    scheduled_at, residue = request.scheduled_at or now, request.residue or request.debit
    return Disbursement(
        subject=request.subject, payout_msat=request.payout_msat, pay_xof=request.pay_xof,
        debit_role=request.debit.role, debit_owner=request.debit.owner,
        residue_role=residue.role, residue_owner=residue.owner,
        hold_from=request.hold_from, approved_digest=request.approved_digest,
        group_ref=priced_for.group_ref, winner_ref=priced_for.winner_ref,
        settlement_partner=priced_for.settlement_partner,
        payee_ref=request.payee, person_ref=request.person, sealed_name=request.sealed_name,
        scheduled_at=scheduled_at, terms_at=scheduled_at, requested_at=now, due_at=scheduled_at,
    )  # fmt: skip


def _require_no_open_attempt(row: Disbursement) -> None:
    if has_open_attempt(row.pk):
        why = "an attempt may still be paid; its outcome must be known first"
        raise DisbursementNotRetryable(disbursement_id=row.pk, state=row.state, why=why)
