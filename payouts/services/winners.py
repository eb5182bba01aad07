"""Give the turn of a cycle to another of its members."""

from datetime import datetime

from django.db import transaction

from payouts.calculations import cycle_subject
from payouts.enums import CycleState
from payouts.errors import WinnerExchanged, WinnerNotMember
from payouts.models import Contribution, Cycle
from payouts.services.cycles import locked_cycle, require_not_cancelled
from payouts.services.payouts import require_no_payout
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.outbox import announce
from sunusav.core.transactions import retried_on_deadlock
from transfers.services.withdrawals import end_withdrawal
from transfers.types import member_ref

WITHOUT_DESTINATION = {
    "destination_rail": "", "destination_kind": "", "sealed_destination": None, "destination_set_at": None,
    "destination_replaced_at": None, "second_rail": "", "second_kind": "", "sealed_second": None,
    "second_replaced_at": None,
}  # fmt: skip


@retried_on_deadlock
def exchange_winner(*, cycle_id: str, winner_user_id: str, reason: str, actor: Actor, now: datetime) -> None:
    """Give the turn to another member of the cycle; the winner it has already changes nothing.

    The destination is cleared and a withdrawal link closed. Once the cycle is ready, the new winner counts as another
    payee: above a limit, their payout waits 24 hours or for a second person.
    Raises: CycleMissing, CycleCancelled, WinnerNotMember, and as `require_no_payout` once there is a payout.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        require_not_cancelled(row)
        require_no_payout(row)
        if not Contribution.objects.filter(cycle=row, user_id=winner_user_id).exists():
            raise WinnerNotMember(group_id=row.group_id, winner_user_id=winner_user_id)
        if row.winner_user_id != winner_user_id:
            _exchange(row, winner_user_id, reason=reason, actor=actor, now=now)


def _exchange(row: Cycle, winner_user_id: str, *, reason: str, actor: Actor, now: datetime) -> None:
    before = row.winner_user_id
    replaced_at = now if row.state == CycleState.READY else None
    Cycle.objects.filter(pk=row.pk).update(
        winner_user_id=winner_user_id, winner_replaced_at=replaced_at, **WITHOUT_DESTINATION
    )
    exchanged = WinnerExchanged(cycle_id=row.pk, winner_user_id=winner_user_id)
    end_withdrawal(subject=cycle_subject(row.pk), why=exchanged, actor=actor, now=now)
    facts = {"cycle_id": row.pk, "index": row.cycle_index, "from_winner": before, "winner": winner_user_id}
    for subject in (cycle_subject(row.pk), member_ref(before), member_ref(winner_user_id)):
        trail.record(
            subject=subject, action="exchange_winner", actor=actor, at=now, reason=reason, facts=facts
        )
    payload = {"cycle_id": row.pk, "winner_user_id": winner_user_id, "from_winner_user_id": before}
    announce(topic="cycle.winner_exchanged", subject=cycle_subject(row.pk), payload=payload, at=now)
