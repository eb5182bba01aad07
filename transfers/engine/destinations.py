"""What a rail is asked to prepare for a destination, and retries while the host of a destination is unavailable."""

from datetime import datetime

from django.db import transaction

from sunusav.core.money import msat_from_sats
from transfers.engine.claims import Claim, claimed_rows, locked_processing_claim, move_disbursement
from transfers.engine.policy import after_failure
from transfers.enums import DisbursementState, FailureClass
from transfers.errors import DestinationUnavailable
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.queries import destination_of
from transfers.services.disbursements import record_outcome
from transfers.types import Instruction, Order, PreviousOrder


def instruction_for(row: Disbursement, last: Attempt | None = None) -> Instruction:
    """Return what a rail is to prepare, with the order of the last attempt where that may serve again."""
    assert row.net_sats is not None, "a disbursement in process has its net"  # noqa: S101  (a programmer's mistake)
    return Instruction(row.pk, msat_from_sats(row.net_sats), destination_of(row), _previous(row, last))


def _previous(row: Disbursement, last: Attempt | None) -> PreviousOrder | None:
    """Return the last order of this disbursement, if it had the same destination and was not refused for good."""
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


def retry_destination(claim: Claim, unavailable: DestinationUnavailable, *, now: datetime) -> None:
    """Retry a destination whose host is unavailable later; after the last retry a person decides.

    No attempt was opened and nothing is held. The rail works, so its other payments go on. Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        row = locked_processing_claim(claim)
        step = after_failure(FailureClass.RETRY, retries=row.retries, now=now)
        code, facts = unavailable.code, unavailable.stored_facts
        if step.state == DisbursementState.PROCESSING:
            claimed_rows([claim]).update(
                due_at=step.due_at,
                retries=row.retries + 1,
                claimed_by="",
                failure_code=code,
                failure_facts=facts,
            )
            return
        move_disbursement(
            row,
            step.state,
            action="review",
            now=now,
            code=code,
            facts=facts,
            due_at=step.due_at,
            claimed_by="",
        )
        record_outcome(row, now=now)
