"""The link by which a winner claims their payout: opened for a ready cycle, then paid where its redeemer says."""

from datetime import datetime

from django.db import transaction

from fees.queries import expected_fee
from payouts.calculations import CYCLE, cycle_subject, id_in
from payouts.queries.cycles import priced_for
from payouts.services.cycles import locked_cycle, set_destination
from payouts.services.payouts import request_payout, require_payable_anew
from payouts.types import Claims
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError, Unavailable
from sunusav.core.switches import OutgoingPaused
from transfers.queries import withdrawals_to_take
from transfers.services.withdrawals import (
    defer_taking,
    expire_withdrawals,
    open_withdrawal,
    record_taken,
    record_taking_deferred,
    refuse_withdrawal,
    revoke_withdrawal,
)
from transfers.types import OpenedWithdrawal, WithdrawalFacts

RAIL = "lightning"
TAKER = Actor.system("payouts.withdrawals")
# What passes by itself; every other refusal is about the invoice or the cycle, and stays.
PASSING = (Unavailable, OutgoingPaused)


def open_withdrawal_link(*, cycle_id: str, actor: Actor, now: datetime) -> OpenedWithdrawal:
    """Let the winner of a ready cycle claim the net to expect now; the link's secret is told here and never again.

    Raises: CycleMissing, CycleNotReady, CycleAlreadyPaid, PayoutFailed, PayoutNeedsReview, PayoutReversed,
    PayoutScheduledAlready, PayoutUnderWay, WithdrawalLinkOpen.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        require_payable_anew(row)
        net_sats = expected_fee(row.payout_total_sats, priced_for(row), now).net_sats
        return open_withdrawal(
            subject=cycle_subject(cycle_id), rail=RAIL, amount_sats=net_sats, actor=actor, now=now
        )


def revoke_withdrawal_link(*, cycle_id: str, actor: Actor, now: datetime) -> WithdrawalFacts:
    """Take the link back. Raises: CycleMissing, WithdrawalLinkMissing, WithdrawalLinkClosed."""
    with transaction.atomic():
        locked_cycle(cycle_id)
        return revoke_withdrawal(subject=cycle_subject(cycle_id), actor=actor, now=now)


def take_withdrawals(*, now: datetime, cycle_id: str = "") -> int:
    """Ask for the payouts of redeemed links, of all cycles or one; return how many were asked for.

    Links whose time is over are closed first.
    """
    expire_withdrawals(now=now)
    subject = cycle_subject(cycle_id) if cycle_id else ""
    due = withdrawals_to_take(f"{CYCLE}:", now=now, subject=subject)
    return sum(_take(link, now) for link in due if defer_taking(link.id, now=now))


def _take(link: WithdrawalFacts, now: datetime) -> bool:
    with transaction.atomic():
        locked_cycle(id_in(link.subject))
        try:
            payout_id = _ordered(link, now)
        except PASSING as why:
            record_taking_deferred(withdrawal_id=link.id, why=why)
        except DomainError as why:
            refuse_withdrawal(withdrawal_id=link.id, why=why, actor=TAKER, now=now)
        else:
            record_taken(withdrawal_id=link.id, disbursement_id=payout_id, actor=TAKER, now=now)
            return True
    return False


def _ordered(link: WithdrawalFacts, now: datetime) -> int:
    """Order the payout to where the redeemer said, or leave the cycle as it was."""
    cycle_id = id_in(link.subject)
    assert link.destination is not None  # noqa: S101  (by the database: withdrawallink_redeemed_has_destination)
    with transaction.atomic():
        require_payable_anew(locked_cycle(cycle_id))
        set_destination(cycle_id=cycle_id, destination=link.destination, actor=TAKER, now=now)
        return request_payout(cycle_id=cycle_id, claims=Claims(), actor=TAKER, now=now)
