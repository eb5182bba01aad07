"""Withdrawal links of winners: opened for a ready cycle, then paid to the invoice of the redeemer."""

from datetime import datetime

from django.db import transaction

from payouts.calculations import CYCLE, cycle_subject
from payouts.queries.cycles import net_sats
from payouts.services.cycles import locked_cycle, set_destination
from payouts.services.payouts import request_payout, require_payable
from payouts.types import Claims
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError, Unavailable
from sunusav.core.subjects import key_of
from sunusav.core.switches import OutgoingPaused
from sunusav.core.transactions import retried_on_deadlock
from transfers.destination_queries import open_destinations
from transfers.enums import WithdrawalState
from transfers.queries import newest_withdrawal, withdrawals_to_take
from transfers.services.withdrawals import (
    defer_taking,
    expire_withdrawals,
    open_withdrawal,
    record_taken,
    record_taking_deferred,
    refuse_withdrawal,
    revoke_withdrawal,
)
from transfers.types import OpenedWithdrawal, WithdrawalFacts, member_ref

RAIL = "lightning"
TAKER = Actor.system("payouts.withdrawals")
# After these the task tries again. Every other refusal is about the invoice or the cycle, and final.
TEMPORARY = (Unavailable, OutgoingPaused)


def open_withdrawal_link(*, cycle_id: str, actor: Actor, now: datetime) -> OpenedWithdrawal:
    """Open a link for the expected net of a ready cycle. Its secret is returned only here.

    Raises: CycleMissing, CycleNotReady, CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview, PayoutReversed,
    PayoutScheduledAlready, PayoutUnderWay, WithdrawalLinkOpen.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        require_payable(row)
        return open_withdrawal(
            subject=cycle_subject(cycle_id),
            rail=RAIL,
            amount_sats=net_sats(row, None, at=now),
            actor=actor,
            now=now,
            person_ref=member_ref(row.winner_user_id),
        )


def revoke_withdrawal_link(*, cycle_id: str, actor: Actor, now: datetime) -> WithdrawalFacts:
    """Revoke the link of a cycle. Raises: CycleMissing, WithdrawalLinkMissing, WithdrawalLinkClosed."""
    with transaction.atomic():
        locked_cycle(cycle_id)
        return revoke_withdrawal(subject=cycle_subject(cycle_id), actor=actor, now=now)


def take_withdrawals(*, now: datetime, cycle_id: str = "") -> int:
    """Request the payouts of redeemed links, of all cycles or one; return how many were requested.

    Expired links are closed first.
    """
    expire_withdrawals(now=now)
    subject = cycle_subject(cycle_id) if cycle_id else ""
    due = withdrawals_to_take(f"{CYCLE}:", now=now, subject=subject)
    return sum(_take(link, now) for link in due if defer_taking(link.id, now=now))


@retried_on_deadlock
def _take(link: WithdrawalFacts, now: datetime) -> bool:
    with transaction.atomic():
        locked_cycle(key_of(link.subject))
        now_is = newest_withdrawal(link.subject)
        if (now_is.id, now_is.state) != (link.id, WithdrawalState.REDEEMED):
            return False  # the cycle was cancelled, or its turn exchanged, while this waited for its lock
        try:
            payout_id = _requested_payout(link, now)
        except TEMPORARY as error:
            record_taking_deferred(withdrawal_id=link.id, why=error)
        except DomainError as error:
            refuse_withdrawal(withdrawal_id=link.id, why=error, actor=TAKER, now=now)
        else:
            record_taken(withdrawal_id=link.id, disbursement_id=payout_id, actor=TAKER, now=now)
            return True
    return False


def _requested_payout(link: WithdrawalFacts, now: datetime) -> int:
    """Request the payout to the redeemer's destination. After a refusal the cycle is unchanged."""
    cycle_id = key_of(link.subject)
    assert link.destination is not None  # noqa: S101  (by the database: withdrawallink_redeemed_has_destination)
    (destination,) = open_destinations([link.destination])
    with transaction.atomic():
        require_payable(locked_cycle(cycle_id))
        set_destination(cycle_id=cycle_id, destination=destination, actor=TAKER, now=now)
        return request_payout(cycle_id=cycle_id, claims=Claims(), actor=TAKER, now=now)
