"""End or retry a payment whose destination cannot be paid or reached. No attempt was opened, and nothing is held."""

from datetime import datetime

from django.db import transaction

from sunusav.core.transactions import retried_on_deadlock
from transfers.engine.claims import Claim, claimed_rows, locked_processing_claim, move_disbursement
from transfers.engine.steps import Stop
from transfers.enums import DisbursementState
from transfers.services.disbursements import record_outcome

_ACTIONS = {DisbursementState.FAILED: "fail", DisbursementState.NEEDS_REVIEW: "review"}


@retried_on_deadlock
def stop(claim: Claim, decision: Stop, *, now: datetime) -> None:
    """Store why the payment does not go, and what follows. Raises: ClaimLost."""
    then = decision.then
    with transaction.atomic(durable=True):
        row = locked_processing_claim(claim)
        if then.state == DisbursementState.PROCESSING:
            claimed_rows([claim]).update(
                due_at=then.due_at, retries=row.retries + 1, claimed_by="", failure_code=decision.code,
                failure_facts=decision.facts,
            )  # fmt: skip
            return
        move_disbursement(
            row, then.state, action=_ACTIONS[then.state], now=now, code=decision.code, facts=decision.facts,
            due_at=then.due_at, claimed_by="",
        )  # fmt: skip
        record_outcome(row, now=now)
