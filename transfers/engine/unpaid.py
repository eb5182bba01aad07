"""Close attempts that were certainly not paid, and let happen what follows. The amount stays held for the next try."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from sunusav.core.errors import LONGEST_STORED_TEXT
from sunusav.core.transactions import retried_on_deadlock
from transfers.engine.attempts import locked_attempt, move_attempt
from transfers.engine.choices import record_refusal
from transfers.engine.claims import Claim, locked_claim, move_disbursement
from transfers.engine.steps import Close
from transfers.enums import UNPAID_ATTEMPT_STATES, AttemptState, DisbursementState
from transfers.models import Attempt, Disbursement, PaymentOrder
from transfers.services.disbursements import record_outcome
from transfers.types import Refused

_S = DisbursementState
CODE_LENGTH = 80


@retried_on_deadlock
def close_as_unpaid(claim: Claim, attempt: Attempt, decision: Close, *, now: datetime) -> None:
    """Close an attempt that was certainly not paid, and let what follows happen.

    It needs the claim: after a lost claim another worker may have sent the same order again.
    Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        _close_attempt(locked_attempt(attempt), decision.state, decision.refused, now)
        if decision.refuses_destination:
            record_refusal(row, claim.destination.digest, decision.refused.reason, now=now)
        _continue(row, decision, now)


@retried_on_deadlock
def settle(claim: Claim, tries: Sequence[Attempt], *, now: datetime) -> None:
    """Store that an order is still unpaid, as the provider confirmed when it was asked, on all its closed attempts.

    It needs the claim: after a lost claim another worker may have sent the same order again. Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        locked_claim(claim)
        closed = Attempt.objects.filter(pk__in=[one.pk for one in tries], state__in=UNPAID_ATTEMPT_STATES)
        closed.update(unpaid_at=now)
    for attempt in tries:
        attempt.unpaid_at = now


def resolve_as_not_paid(row: Disbursement, attempt: Attempt, unpaid: Refused, *, now: datetime) -> None:
    """Close an attempt that two people found unpaid, in their transaction; the disbursement fails.

    It stays due if it has other orders, which are asked about for as long as they can be paid.
    The caller holds the locks of the disbursement and of its open attempt.
    """
    _close_attempt(attempt, AttemptState.FAILED, unpaid, now)
    has_others = PaymentOrder.objects.filter(disbursement=row).exclude(pk=attempt.order_id).exists()
    move_disbursement(
        row, _S.FAILED, action="fail", now=now, code=unpaid.reason, facts={},
        due_at=now if has_others else None, claimed_by="",
        claim_version=row.claim_version + 1,
    )  # fmt: skip
    record_outcome(row, now=now)


def settle_as_not_paid(attempt: Attempt, *, now: datetime) -> None:
    """Store that two people found the order of a closed attempt unpaid, in their transaction.

    The caller holds the lock of the disbursement, whose state stays as it is.
    """
    closed = Attempt.objects.filter(order_id=attempt.order_id, state__in=UNPAID_ATTEMPT_STATES)
    closed.update(unpaid_at=now)


def _close_attempt(attempt: Attempt, state: AttemptState, refused: Refused, now: datetime) -> None:
    """Close a locked, open attempt."""
    outcome = refused.reason[:120]
    move_attempt(
        attempt, state, action="close_attempt", now=now, facts={"outcome": outcome}, closed_at=now, asked_at=now,
        outcome=outcome, failure_class=refused.failure, verdict=refused.verdict,
        evidence=refused.evidence, unpaid_at=now,
    )  # fmt: skip


def _continue(row: Disbursement, decision: Close, now: datetime) -> None:
    """Let happen what follows for a locked disbursement."""
    then = decision.then
    code, facts = _stored_reason(decision.refused)
    if then.state == row.state == _S.NEEDS_REVIEW:
        Disbursement.objects.filter(pk=row.pk).update(due_at=then.due_at, claimed_by="")
        return
    if then.state == _S.PROCESSING:
        retries = row.retries + (1 if then.counts_as_retry else 0)
        Disbursement.objects.filter(pk=row.pk).update(
            due_at=then.due_at, not_before=then.not_before, retries=retries, claimed_by="", failure_code=code,
            failure_facts=facts,
        )  # fmt: skip
        return
    action = "fail" if then.state == _S.FAILED else "review"
    move_disbursement(
        row, then.state, action=action, now=now, code=code, facts=facts, due_at=then.due_at, claimed_by=""
    )
    record_outcome(row, now=now)


def _stored_reason(refused: Refused) -> tuple[str, dict[str, str]]:
    """Return the code of a refusal; one that is too long for a code is text."""
    code = refused.reason[:CODE_LENGTH]
    return code, {} if code == refused.reason else {"text": refused.reason[:LONGEST_STORED_TEXT]}
