"""End a cycle early: cancel it, or close it short with the contributions that are settled."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from fees.errors import NetNotPositive
from fees.queries import expected_fee
from ledger.services import post_all, require_owed
from ledger.types import Posting, credit, debit
from payouts.calculations import contribution_subject, cycle_subject, pot_of
from payouts.enums import CYCLE_TRANSITIONS, CycleState, TransactionKind
from payouts.errors import CycleCancelled, CycleNotCollecting
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import priced_for, settled_contributions
from payouts.services.cycles import locked_cycle, mark_ready, require_not_cancelled
from payouts.services.payouts import require_payable
from sunusav.core.actors import Actor
from sunusav.core.money import msat_from_sats
from sunusav.core.outbox import announce
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from transfers.services.cancellations import withdraw_collections
from transfers.services.withdrawals import end_withdrawal
from transfers.types import credit_of


@retried_on_deadlock
def cancel_cycle(*, cycle_id: str, reason: str, actor: Actor, now: datetime) -> None:
    """Cancel a cycle that collects, or is ready and has no payout: what was paid becomes its members' credit.

    Open requests for contributions are withdrawn, and whatever is still paid for them becomes credit as well.
    Raises: CycleMissing, CycleCancelled, and for a payout that may still be paid, or was, as `require_payable`.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        require_not_cancelled(row)
        if row.state == CycleState.READY:
            require_payable(row)
        settled = _withdraw_unsettled(row, reason=reason, actor=actor, now=now)
        _return_to_members(row, settled, now=now)
        cancelled = CycleCancelled(cycle_id=row.pk, cycle_status=CycleState.CANCELLED.value)
        end_withdrawal(subject=cycle_subject(cycle_id), why=cancelled, actor=actor, now=now)
        returned_sats = sum(one.amount_sats for one in settled)
        move(
            row, CycleState.CANCELLED, allowed=CYCLE_TRANSITIONS, subject=cycle_subject(cycle_id), action="cancel",
            actor=actor, at=now, reason=reason, cancelled_at=now, settled_count=len(settled),
            facts={"settled": len(settled), "members": row.members_count, "returned_sats": returned_sats},
        )  # fmt: skip
        payload = {
            "cycle_id": cycle_id,
            "returned_sats": returned_sats,
            "contributions_settled": len(settled),
        }
        announce(topic="cycle.cancelled", subject=cycle_subject(cycle_id), payload=payload, at=now)


@retried_on_deadlock
def close_cycle_short(*, cycle_id: str, reason: str, actor: Actor, now: datetime) -> None:
    """Make a collecting cycle ready with the contributions that are settled; the others are missed.

    Raises: CycleMissing, CycleCancelled, CycleNotCollecting, NetNotPositive when too little was paid.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        require_not_cancelled(row)
        if row.state != CycleState.COLLECTING:
            raise CycleNotCollecting(cycle_id=cycle_id, cycle_status=row.state)
        settled = _withdraw_unsettled(row, reason=reason, actor=actor, now=now)
        require_net(row, settled_count=len(settled), now=now)
        action = "complete" if len(settled) == row.members_count else "close_short"
        mark_ready(row, settled_count=len(settled), action=action, actor=actor, reason=reason, now=now)


def require_net(row: Cycle, *, settled_count: int, now: datetime) -> int:
    """Return the net in sats of a cycle closed with so many contributions now. Raises: NetNotPositive."""
    payout_sats = settled_count * row.contribution_sats
    split = expected_fee(payout_sats, priced_for(row), now)
    if split.net_sats <= 0:
        raise NetNotPositive(payout_sats=payout_sats, fee_sats=split.fee_sats)
    return split.net_sats


def _withdraw_unsettled(row: Cycle, *, reason: str, actor: Actor, now: datetime) -> list[Contribution]:
    """Withdraw the open requests of a locked cycle and return its settled contributions.

    A payment that settles at this moment either commits first and is settled, or finds the request withdrawn.
    """
    owed = list(Contribution.objects.filter(cycle=row).order_by("pk"))
    subjects = [contribution_subject(one.pk) for one in owed]
    withdraw_collections(subjects=subjects, actor=actor, reason=reason, now=now)
    return settled_contributions(owed)


def _return_to_members(row: Cycle, settled: Sequence[Contribution], *, now: datetime) -> None:
    """Move what was contributed from the pot to the members' credit, each by a transaction of its own."""
    pot = pot_of(row.pk)
    require_owed({pot: sum(msat_from_sats(one.amount_sats) for one in settled)}, now=now)
    booked = post_all([_return_of(one, row.pk, now) for one in settled])
    for one, transaction_id in zip(settled, booked, strict=True):
        one.return_transaction_id = transaction_id
    Contribution.objects.bulk_update(settled, ["return_transaction"])


def _return_of(one: Contribution, cycle_id: str, now: datetime) -> Posting:
    amount_msat, subject = msat_from_sats(one.amount_sats), contribution_subject(one.pk)
    return Posting(
        kind=TransactionKind.CONTRIBUTION_RETURNED, reference=f"{subject}:returned", at=now, subject=subject,
        lines=(debit(pot_of(cycle_id), amount_msat), credit(credit_of(one.user_id), amount_msat)),
    )  # fmt: skip
