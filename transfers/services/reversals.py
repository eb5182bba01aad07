"""Book payments back whose money came back, only with proof: the provider's own record, or two people's.

A reversed payment frees its subject. Its account gets back all that the payment took, with the fee; the fund and the
partner give back their shares, and owe what they hold no longer.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from django.db import IntegrityError, transaction

from fees.queries import fixed_fee, recorded_fees
from fees.services import reverse_fee
from ledger.queries import rates_of_conversions
from ledger.services import post, take_back
from ledger.types import AccountRef, Line, Money
from sunusav.core.actors import Actor
from sunusav.core.approvals import (
    ProposalAlreadyOpen,
    digest_of,
    open_proposal,
    propose,
    require_as_proposed,
)
from sunusav.core.calendar import DAKAR
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, User
from sunusav.core.money import msat_from_sats
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from transfers.attempt_queries import has_payable_order, paid_attempt_of
from transfers.booking import COMMUNITY_FUND, Shares, reversed_lines, shares_of
from transfers.enums import (
    DISBURSEMENT_TRANSITIONS,
    PAYMENT_REVERSAL,
    DisbursementState,
    ReturnKind,
    TransactionKind,
)
from transfers.errors import (
    DisbursementNotReversible,
    ReturnClaimMissing,
    ReturnDiffers,
)
from transfers.models import Attempt, Disbursement, ReturnClaim, Reversal
from transfers.queries import debit_account, residue_account, subject_of
from transfers.services.disbursements import locked, record_outcome
from transfers.services.return_proofs import (
    account_of_return,
    require_day_possible,
    require_not_claimed,
    require_not_requested,
    require_reference_free,
    require_well_formed,
    settled_return,
)
from transfers.services.treasury import TREASURY_LOCK, exact_reference
from transfers.types import Reversed
from transfers.types.accounts import partner_reserve

PROVIDERS = Actor.system("transfers.reversals")


@dataclass(frozen=True)
class Returned:
    """Money of a payment that came back: where it arrived, when, what proves it, and what of its cost came with it."""

    kind: ReturnKind
    reference: str
    amount: Money
    arrived_in: AccountRef
    at: datetime
    evidence: dict[str, Any] = field(default_factory=dict)
    cost: int = 0


@dataclass(frozen=True)
class _Approval:
    """The claim, its approved proposal and the person who approved it."""

    claim: ReturnClaim
    proposal: Proposal
    approver_id: int


@retried_on_deadlock
def book_provider_reversal(attempt_id: int, found: Reversed, *, now: datetime) -> bool:
    """Book a payment back that its provider reports as reversed; false if it was booked back before.

    What of its cost came back with it is no expense any more.
    Raises: DisbursementNotReversible, ReturnDiffers, ReturnReferenceUsed.
    """
    with transaction.atomic():
        attempt = Attempt.objects.select_related("order").get(pk=attempt_id)
        row = locked(attempt.disbursement_id)
        if Reversal.objects.filter(attempt=attempt).exists():
            return False
        paid_from, _ = attempt.order.accounts
        returned = Returned(
            ReturnKind.PROVIDER_REVERSAL,
            f"{attempt.order.rail}:{found.reference}",
            found.amount,
            paid_from,
            found.at,
            found.evidence,
            _cost_in(found, attempt),
        )
        _book(row, attempt, returned, None, actor=PROVIDERS, reason="", now=now)
    return True


def _cost_in(found: Reversed, attempt: Attempt) -> int:
    """Return what of a cost came back, in the order's unit: no more than was paid, and nothing of an unstated cost.

    The money is back whatever a provider says of its fee: a fee that was never paid books nothing and keeps no return
    from being booked. What really arrived beyond it shows in the provider's statement.
    """
    stated, paid = found.returned_cost, attempt.cost or 0
    if stated is None or stated.currency != attempt.order.currency:
        return 0
    return min(max(stated.amount, 0), paid)


def propose_reversal(
    *,
    disbursement_id: int,
    kind: ReturnKind,
    reference: str,
    explanation: str,
    proposer: User,
    now: datetime,
    returned_on: date | None = None,
) -> Proposal:
    """Propose to a second person that the money of a completed payment came back.

    `reference` is that of the line in our bank account (for msat, of the output that paid our on-chain wallet), or of
    the settled collection by which the recipient paid it back. `returned_on` is the line's day in Dakar, if known.
    Raises: ProposalAlreadyOpen, DisbursementNotReversible, ReturnReferenceMalformed, ReturnDateOutOfRange,
    ReturnUnproven, ReturnReferenceUsed, ReturnReferenceClaimed, ReturnReferenceBooked, ReturnRequested, and as
    `approvals.propose`.
    """
    reference = exact_reference(reference)
    with transaction.atomic():
        row = locked(disbursement_id)
        attempt = _paid_attempt(row)
        _require_none_proposed(row)
        require_well_formed(attempt, kind, reference)
        require_day_possible(row, returned_on, now)
        claim = ReturnClaim(
            attempt=attempt, kind=kind, reference=reference, returned_on=returned_on, explanation=explanation,
            proposer=proposer, proposed_at=now, arrived_in=account_of_return(attempt, kind, reference).code,
        )  # fmt: skip
        if kind is ReturnKind.BANK_LINE:
            lock(TREASURY_LOCK)
        require_reference_free(kind, reference)
        require_not_claimed(row, kind, reference)
        require_not_requested(row, kind)
        claim.save(force_insert=True)
        return propose(
            kind=PAYMENT_REVERSAL, subject_id=str(row.pk), proposer=proposer, now=now, reason=explanation
        )


def describe_reversal(subject_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: the payment, what proves its return, and what is booked back.

    Raises: ReturnClaimMissing, DisbursementNotReversible.
    """
    claim = _newest_claim(int(subject_id))
    row, order = claim.attempt.disbursement, claim.attempt.order
    _require_completed(row)
    return {
        "disbursement": row.pk, "subject": row.subject, "claim": claim.pk, "rail": order.rail,
        "reference": order.reference, "payee_digest": order.payee_digest, "amount": order.amount,
        "currency": order.currency,
        "payout_msat": row.payout_msat, "return_kind": str(claim.kind), "return_reference": claim.reference,
        "returned_on": claim.returned_on.isoformat() if claim.returned_on else None, "arrived_in": claim.arrived_in,
    }  # fmt: skip


def lines_of_reversal(subject_id: str) -> list[Line]:
    """Return what approving a proposed reversal books; what an account no longer holds, it will owe.

    Raises: ReturnClaimMissing, ReturnUnproven.
    """
    claim = _newest_claim(int(subject_id))
    row, shares = claim.attempt.disbursement, paid_shares(claim.attempt.disbursement, claim.attempt)
    platform_msat, amounts = shares_to_take_back(row, shares)
    returned = _returned(claim)
    return reversed_lines(
        payout_msat=row.payout_msat, debit=debit_account(row), returned=returned.amount,
        arrived_in=returned.arrived_in, shares=shares, platform_msat=platform_msat,
        taken_back=[Line(account, amount) for account, amount in amounts.items()],
        returned_cost=returned.cost, cost_account=claim.attempt.order.accounts[1],
    )  # fmt: skip


def apply_reversal(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Book a payment back, as two people decided. Raises: as `propose_reversal`, ProposalFactsChanged."""
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    row = locked(int(proposal.subject_id))
    require_as_proposed(proposal, describe_reversal(proposal.subject_id))
    claim = _newest_claim(row.pk)
    approval = _Approval(claim, proposal, actor.user_id)
    _book(row, claim.attempt, _returned(claim), approval, actor=actor, reason=claim.explanation, now=now)


def _returned(claim: ReturnClaim) -> Returned:
    """Return the money that a claim is about. Raises: ReturnUnproven."""
    kind, order = ReturnKind(claim.kind), claim.attempt.order
    return Returned(
        kind, claim.reference, order.money(order.amount),
        account_of_return(claim.attempt, kind, claim.reference), _moment_of_return(claim),
    )  # fmt: skip


def _moment_of_return(claim: ReturnClaim) -> datetime:
    """Return when the money arrived: by the collection, by the day that was stated, or else when it was proposed."""
    if claim.kind == ReturnKind.INBOUND_PAYMENT:
        settled = settled_return(claim.attempt.disbursement_id, claim.reference)
        if settled is not None and settled.settled_at is not None:
            return settled.settled_at
    if claim.returned_on is not None:
        return datetime.combine(claim.returned_on, time.min, tzinfo=DAKAR)
    return claim.proposed_at


def _book(
    row: Disbursement, attempt: Attempt, returned: Returned, approval: _Approval | None, *, actor: Actor,
    reason: str, now: datetime,
) -> None:  # fmt: skip
    """Book money back for a locked disbursement, in the caller's transaction."""
    _require_completed(row)
    order = attempt.order
    if returned.amount != order.money(order.amount):
        raise ReturnDiffers(
            disbursement_id=row.pk,
            paid=order.amount,
            returned=returned.amount.amount,
            currency=order.currency,
        )
    if returned.kind is ReturnKind.BANK_LINE:
        lock(TREASURY_LOCK)
    require_reference_free(returned.kind, returned.reference)
    require_not_requested(row, returned.kind)
    booked = post(
        kind=TransactionKind.REVERSAL, reference=f"{subject_of(row.pk)}:reversed", at=now, subject=row.subject,
        lines=_lines(row, attempt, returned),
    )  # fmt: skip
    _reverse_fee(row, actor=actor, reason=reason, now=now)
    _store(attempt, returned, approval, transaction_id=booked, now=now)
    facts = {
        "return_kind": str(returned.kind), "return_reference": returned.reference,
        "amount": returned.amount.amount, "currency": str(returned.amount.currency),
    }  # fmt: skip
    move(
        row, DisbursementState.REVERSED, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk),
        action="reverse", actor=actor, at=now, reason=reason, facts=facts,
        due_at=now if has_payable_order(row.pk, now=now) else None,
        claim_version=row.claim_version + 1, claimed_by="",
    )  # fmt: skip
    record_outcome(row, now=now)


def _lines(row: Disbursement, attempt: Attempt, returned: Returned) -> list[Line]:
    shares = paid_shares(row, attempt)
    platform_msat, amounts = shares_to_take_back(row, shares)
    return reversed_lines(
        payout_msat=row.payout_msat, debit=debit_account(row), returned=returned.amount,
        arrived_in=returned.arrived_in, shares=shares, platform_msat=platform_msat,
        taken_back=take_back(amounts) if amounts else [], returned_cost=returned.cost,
        cost_account=attempt.order.accounts[1],
    )  # fmt: skip


def paid_shares(row: Disbursement, attempt: Attempt) -> Shares:
    """Return what the net of a paid attempt became: in francs, what they were worth and left over."""
    assert row.net_msat is not None, "it was paid"  # noqa: S101  (a programmer's mistake)
    rates = rates_of_conversions({row.conversion_id} if row.conversion_id else set())
    return shares_of(
        row.net_msat,
        paid=attempt.order.money(attempt.order.amount),
        rate_xof_per_btc=rates.get(row.conversion_id or 0),
    )


def shares_to_take_back(row: Disbursement, shares: Shares) -> tuple[int, dict[AccountRef, int]]:
    """Return the platform's share of the fee, and what others got of a payment, by their accounts. Units: msat."""
    amounts: dict[AccountRef, int] = {}
    if shares.residue_msat:
        amounts[residue_account(row)] = shares.residue_msat
    if row.assessment_id is None:
        return 0, amounts
    fee = fixed_fee(row.assessment_id)
    shared = (
        (COMMUNITY_FUND, fee.split.community_sats),
        (partner_reserve(fee.priced_for.settlement_partner), fee.split.partner_sats),
    )
    amounts |= {account: msat_from_sats(share_sats) for account, share_sats in shared if share_sats}
    return msat_from_sats(fee.split.platform_sats), amounts


def _reverse_fee(row: Disbursement, *, actor: Actor, reason: str, now: datetime) -> None:
    for fee in recorded_fees([subject_of(row.pk)]).get(subject_of(row.pk), []):
        reverse_fee(record_id=fee.record_id, actor=actor, reason=reason, now=now)


def _store(
    attempt: Attempt, returned: Returned, approval: _Approval | None, *, transaction_id: int, now: datetime
) -> None:
    by: dict[str, Any] = {}
    if approval is not None:
        by = {
            "claim": approval.claim, "proposal": approval.proposal, "proposer_id": approval.claim.proposer_id,
            "approver_id": approval.approver_id,
        }  # fmt: skip
    try:
        with transaction.atomic():
            Reversal.objects.create(
                attempt=attempt, kind=returned.kind, reference=returned.reference,
                arrived_in=returned.arrived_in.code, currency=returned.amount.currency,
                amount=returned.amount.amount, returned_cost=returned.cost, returned_at=returned.at, reversed_at=now,
                evidence=returned.evidence, transaction_id=transaction_id, **by,
            )  # fmt: skip
    except IntegrityError:
        require_reference_free(returned.kind, returned.reference)
        raise


def _require_completed(row: Disbursement) -> None:
    if row.state != DisbursementState.COMPLETED:
        raise DisbursementNotReversible(disbursement_id=row.pk, state=row.state)


def _paid_attempt(row: Disbursement) -> Attempt:
    _require_completed(row)
    paid = paid_attempt_of(row.pk)
    assert paid is not None, "a completed payment was paid"  # noqa: S101  (a programmer's mistake)
    return paid


def _newest_claim(disbursement_id: int) -> ReturnClaim:
    claims = ReturnClaim.objects.filter(attempt__disbursement_id=disbursement_id)
    newest = claims.select_related("attempt__order", "attempt__disbursement").order_by("-pk").first()
    if newest is None:
        raise ReturnClaimMissing(disbursement_id=disbursement_id)
    return newest


def _require_none_proposed(row: Disbursement) -> None:
    """Refuse another proposal while one waits that can still be approved."""
    waiting = open_proposal(PAYMENT_REVERSAL, str(row.pk))
    if waiting is None:
        return
    now_shown = digest_of(PAYMENT_REVERSAL, waiting.subject_id, describe_reversal(waiting.subject_id))
    if waiting.digest == now_shown:
        raise ProposalAlreadyOpen(
            kind=PAYMENT_REVERSAL, subject_id=waiting.subject_id, proposal_id=str(waiting.pk)
        )
