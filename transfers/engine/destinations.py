"""What the engine owes a destination that has to be asked: its last order again, and patience while it is away."""

from datetime import datetime
from typing import Any

from django.db import transaction

from sunusav.core.money import msat_from_sats
from sunusav.core.transitions import move
from transfers.engine.claims import ENGINE, Claim, held, locked_claim
from transfers.engine.policy import after_failure
from transfers.enums import DISBURSEMENT_TRANSITIONS, DisbursementState, FailureClass
from transfers.errors import DestinationUnavailable
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import destination_of
from transfers.services.disbursements import record_outcome, subject_of
from transfers.types import Instruction, Order, PreviousOrder


def instruction_for(row: Disbursement, last: Attempt | None = None) -> Instruction:
    """Return what a rail is asked to prepare, with the order of the last attempt where it may serve again."""
    assert row.net_sats is not None, "a disbursement in process has its net"  # noqa: S101  (a programmer's mistake)
    return Instruction(row.pk, msat_from_sats(row.net_sats), destination_of(row), _previous(row, last))


def _previous(row: Disbursement, last: Attempt | None) -> PreviousOrder | None:
    """Return the last order of this disbursement, if it was for the same destination and not refused for good."""
    if last is None or last.disbursement_id != row.pk:
        return None
    if last.order.destination_digest != destination_of(row).digest:
        return None
    if last.failure_class in ("", FailureClass.FINAL):
        return None
    return PreviousOrder(order_of(last.order), FailureClass(last.failure_class))


def order_of(stored: PaymentOrder) -> Order:
    """Return a stored order as the rail prepared it."""
    return Order(
        rail=stored.rail, reference=stored.reference, payload=stored.payload, amount_msat=stored.amount_msat,
        fee_limit_msat=stored.fee_limit_msat, payee=stored.payee, source=stored.source,
        expires_at=stored.expires_at, give_up_after=stored.give_up_after, is_renewable=stored.is_renewable,
    )  # fmt: skip


def wait_for_destination(claim: Claim, away: DestinationUnavailable, *, now: datetime) -> None:
    """Ask a destination that was away again later; this burns a retry, and after the last a person looks.

    Nothing was opened and nothing is held; the rail is well and its other payments go on. Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        step = after_failure(FailureClass.RETRY, retries=row.retries, now=now)
        told: dict[str, Any] = {
            "failure_code": away.code,
            "failure_message": str(away)[:500],
            "claimed_by": "",
        }
        if step.state == DisbursementState.PROCESSING:
            held(claim).update(due_at=step.due_at, retries=row.retries + 1, **told)
            return
        move(
            row, step.state, allowed=DISBURSEMENT_TRANSITIONS, subject=subject_of(row.pk), action="review",
            actor=ENGINE, at=now, reason=str(away), due_at=step.due_at, **told,
        )  # fmt: skip
        record_outcome(row, now=now)
