"""The payout of a cycle: requested or scheduled once, later retried or cancelled by people."""

from collections.abc import Iterator
from datetime import date, datetime

from django.db import transaction

from fees.queries import active_discounts, fixed_fee
from fees.types import Discounts
from payouts.calculations import cycle_subject, on_working_day, payee_of, pot_of
from payouts.enums import CycleState
from payouts.errors import (
    ClaimContradictsRecords,
    CycleAlreadyPaid,
    CycleNotReady,
    DestinationMissing,
    PayoutCancelled,
    PayoutFailed,
    PayoutNeedsReview,
    PayoutReversed,
    PayoutScheduledAlready,
    PayoutUnderWay,
)
from payouts.models import Cycle
from payouts.queries.cycles import missing_contributions, payout_in_force, priced_for
from payouts.queries.payouts import cycle_of
from payouts.queries.people import choices_of, sealed_name_for
from payouts.services.cycles import locked_cycle, require_not_cancelled
from payouts.types import Claims, PayoutFacts
from sunusav.core.actors import Actor
from sunusav.core.approvals import ProposalMissing, approve, open_proposal
from sunusav.core.models import Proposal, User
from sunusav.core.money import msat_from_sats
from transfers.enums import PAYMENT_REVERSAL, DisbursementState, ReturnKind
from transfers.queries import disbursement_for
from transfers.services.disbursements import (
    cancel_disbursement,
    expedite_disbursement,
    request_disbursement,
    retry_disbursement,
)
from transfers.services.reversals import propose_reversal
from transfers.types import DisbursementFacts, DisbursementRequest, credit_of, member_ref

DECIDE_REVIEWED = "transfers.retry_disbursement"
_S = DisbursementState


def request_payout(*, cycle_id: str, claims: Claims, actor: Actor, now: datetime) -> int:
    """Request the payout of a ready cycle now and return its id; of a payout under way, return the id.

    Fee and net are fixed here, once. Raises: CycleMissing, CycleCancelled, CycleNotReady, CycleAlreadyPaid,
    PayoutFailed, PayoutNeedsReview, PayoutReversed, ClaimContradictsRecords, DestinationMissing, and refusals of
    `transfers`.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        _require_ready(row)
        payout = payout_in_force(cycle_id)
        _require_payout_not_ended(row, payout)
        _require_claims_match(claims, row, payout, now)
        if payout is None:
            return request_disbursement(request=_request(row, None), actor=actor, now=now)
        if payout.state == _S.SCHEDULED:
            expedite_disbursement(disbursement_id=payout.id, actor=actor, now=now)
        return payout.id


def require_going_well(payout: PayoutFacts) -> None:
    """Refuse a payout that ended without being paid, with the error that the next request would raise.

    Raises: PayoutFailed, PayoutNeedsReview, PayoutReversed, PayoutCancelled.
    """
    if payout.status == _S.CANCELLED:
        raise PayoutCancelled(cycle_id=payout.cycle_id, payout_id=payout.id, payout_status=payout.status)
    if payout.status != _S.COMPLETED:
        _require_not_ended(payout.cycle_id, payout.id, payout.status, payout.failure.code)


def schedule_payout(*, cycle_id: str, scheduled_at: datetime | None, actor: Actor, now: datetime) -> int:
    """Schedule the payout of a ready cycle and return its id. A past moment, or none, means now.

    A group that skips non-working days is paid at the same time of the next working day in Dakar.
    Raises: as `request_payout`, and PayoutScheduledAlready, PayoutUnderWay.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        require_payable(row)
        moment = _moment(row, scheduled_at, now)
        return request_disbursement(request=_request(row, moment), actor=actor, now=now)


def require_payable(row: Cycle) -> None:
    """Refuse a cycle that is not ready, or has a payout already. The caller holds the lock of the cycle.

    Raises: CycleCancelled, CycleNotReady, and as `require_no_payout`.
    """
    _require_ready(row)
    require_no_payout(row)


def require_no_payout(row: Cycle) -> None:
    """Refuse a cycle that has a payout, unless it was cancelled, or reversed and the cycle reopened.

    Raises: CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview, PayoutReversed, PayoutScheduledAlready,
    PayoutUnderWay.
    """
    payout = payout_in_force(row.pk)
    _require_payout_not_ended(row, payout)
    _require_not_ordered(row, payout)


def retry_payout(*, payout_id: int, user: User, reason: str, now: datetime) -> None:
    """Retry a failed payout as the same payout; one under review needs the permission DECIDE_REVIEWED.

    Raises: PayoutMissing, PayoutNeedsReview, and refusals of `transfers`.
    """
    with transaction.atomic():
        _require_may_decide(payout_id, user)
        retry_disbursement(disbursement_id=payout_id, actor=Actor.of(user), reason=reason, now=now)


def cancel_payout(*, payout_id: int, user: User, reason: str, now: datetime) -> None:
    """Cancel a payout of which certainly nothing was paid; its cycle becomes ready again.

    Raises: PayoutMissing, PayoutNeedsReview, DisbursementNotCancellable, OrderStillPayable.
    """
    with transaction.atomic():
        _require_may_decide(payout_id, user)
        cancel_disbursement(disbursement_id=payout_id, actor=Actor.of(user), reason=reason, now=now)


def propose_payout_reversal(
    *,
    payout_id: int,
    kind: ReturnKind,
    reference: str,
    reason: str,
    user: User,
    now: datetime,
    returned_on: date | None = None,
) -> Proposal:
    """Propose to a second person that the money of a completed payout came back, with what proves it.

    Raises: PayoutMissing, and as `propose_reversal`.
    """
    with transaction.atomic():
        locked_cycle(cycle_of(payout_id))
        return propose_reversal(
            disbursement_id=payout_id,
            kind=kind,
            reference=reference,
            explanation=reason,
            proposer=user,
            now=now,
            returned_on=returned_on,
        )


def approve_payout_reversal(
    *, payout_id: int, proposal_id: int, digest: str, user: User, now: datetime
) -> Proposal:
    """Approve what another proposed: the payout is reversed, and its cycle failed until two people reopen it.

    Raises: PayoutMissing, ProposalMissing, as `approvals.approve` and `propose_payout_reversal`.
    """
    with transaction.atomic():
        locked_cycle(cycle_of(payout_id))
        waiting = open_proposal(PAYMENT_REVERSAL, str(payout_id))
        if waiting is None or waiting.pk != proposal_id:
            raise ProposalMissing(proposal_id=str(proposal_id))
        return approve(proposal_id=proposal_id, approver=user, digest=digest, now=now)


def _require_ready(row: Cycle) -> None:
    require_not_cancelled(row)
    if row.state != CycleState.READY:
        raise CycleNotReady(
            cycle_id=row.pk, cycle_status=row.state, missing_contributions=missing_contributions(row)
        )


def _require_payout_not_ended(row: Cycle, payout: DisbursementFacts | None) -> None:
    """Refuse a cycle whose payout has ended."""
    if payout is not None:
        _require_not_ended(row.pk, payout.id, payout.state, payout.failure.code)


def _require_not_ended(cycle_id: str, payout_id: int, state: str, failure_code: str) -> None:
    facts = {"cycle_id": cycle_id, "payout_id": payout_id, "payout_status": state}
    match state:
        case _S.COMPLETED:
            raise CycleAlreadyPaid(**facts)
        case _S.REVERSED:
            raise PayoutReversed(**facts)
        case _S.FAILED:
            raise PayoutFailed(**facts, failure_code=failure_code)
        case _S.NEEDS_REVIEW:
            raise PayoutNeedsReview(**facts, failure_code=failure_code)


def _require_not_ordered(row: Cycle, payout: DisbursementFacts | None) -> None:
    if payout is None:
        return
    if payout.state == _S.SCHEDULED:
        raise PayoutScheduledAlready(cycle_id=row.pk, payout_id=payout.id, scheduled_at=payout.scheduled_at)
    raise PayoutUnderWay(cycle_id=row.pk, payout_id=payout.id, payout_status=payout.state)


def _require_claims_match(
    claims: Claims, row: Cycle, payout: DisbursementFacts | None, now: datetime
) -> None:
    recorded = _recorded_discounts(row, payout, now)
    for name, claimed, grant_id in _claims_and_grants(claims, recorded):
        if claimed is not None and claimed != (grant_id is not None):
            raise ClaimContradictsRecords(
                cycle_id=row.pk, claim=name, claimed=claimed, recorded=grant_id is not None
            )


def _claims_and_grants(claims: Claims, recorded: Discounts) -> Iterator[tuple[str, bool | None, int | None]]:
    yield "group_verified", claims.group_verified, recorded.verified_grant_id
    yield "user_recurring", claims.user_recurring, recorded.recurring_grant_id


def _recorded_discounts(row: Cycle, payout: DisbursementFacts | None, now: datetime) -> Discounts:
    """Return the discounts in our records; for a payout under way those its fee was fixed with."""
    if payout is not None and payout.state == _S.PROCESSING and payout.assessment_id is not None:
        return fixed_fee(payout.assessment_id).discounts
    return active_discounts(row.group_id, row.winner_user_id, now)


def _request(row: Cycle, scheduled_at: datetime | None) -> DisbursementRequest:
    if not row.destination_rail:
        raise DestinationMissing(cycle_id=row.pk)
    choices = choices_of(row)
    return DisbursementRequest(
        subject=cycle_subject(row.pk),
        payout_msat=msat_from_sats(row.payout_total_sats),
        debit=pot_of(row.pk),
        priced_for=priced_for(row),
        choices=choices,
        scheduled_at=scheduled_at,
        payee_ref=payee_of(row.winner_user_id),
        person_ref=member_ref(row.winner_user_id),
        sealed_name=sealed_name_for(choices, row.winner_user_id),
        residue=credit_of(row.winner_user_id),
    )


def _moment(row: Cycle, scheduled_at: datetime | None, now: datetime) -> datetime:
    moment = max(scheduled_at or now, now)
    return on_working_day(moment) if row.group.skip_non_working_days else moment


def _require_may_decide(payout_id: int, user: User) -> None:
    """Refuse a payout under review to users who may not decide about it. Locks the cycle first."""
    row = locked_cycle(cycle_of(payout_id))
    payout = disbursement_for(cycle_subject(row.pk))
    if payout is not None and payout.state == _S.NEEDS_REVIEW and not user.has_perm(DECIDE_REVIEWED):
        _require_not_ended(row.pk, payout.id, payout.state, payout.failure.code)
