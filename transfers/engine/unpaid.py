"""Close attempts that were certainly not paid: void their hold in the books and decide what follows."""

from datetime import datetime

from django.db import transaction

from ledger.services import reverse
from sunusav.core.errors import LONGEST_STORED_TEXT
from transfers.engine.answers import ReceivedAnswer
from transfers.engine.attempts import locked_attempt, move_attempt
from transfers.engine.claims import Claim, locked_claim, move_disbursement
from transfers.engine.policy import after_failure
from transfers.enums import (
    OPEN_ATTEMPT_STATES,
    AttemptState,
    DisbursementState,
    FailureClass,
    FailureCode,
    TransactionKind,
)
from transfers.models import Attempt, Disbursement
from transfers.services.disbursements import record_outcome, subject_of
from transfers.types import Refused

_S = DisbursementState
CODE_LENGTH = 80


def close_as_failed(claim: Claim, attempt: Attempt, refused: Refused, *, now: datetime) -> bool:
    """Close an attempt that the provider certainly refused, and decide what follows; false if it is closed already.

    It needs the claim: after a lost claim another worker may have sent the same order again.
    Raises: ClaimLost.
    """
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        fresh = locked_attempt(attempt)
        if fresh.state not in OPEN_ATTEMPT_STATES:
            return False
        _void(fresh, row, AttemptState.FAILED, refused, now)
        _continue(row, refused, now)
    return True


def close_as_never_sent(
    claim: Claim, attempt: Attempt, *, now: datetime, answer: ReceivedAnswer | None = None
) -> bool:
    """Close an attempt whose order the provider never saw and can no longer accept; false if it is not prepared.

    Raises: ClaimLost.
    """
    evidence = answer.evidence if answer else {}
    failure = FailureClass.RENEW if attempt.order.is_renewable else FailureClass.FINAL
    expired = Refused(FailureCode.NEVER_SENT.value, failure, evidence)
    with transaction.atomic(durable=True):
        row = locked_claim(claim)
        fresh = locked_attempt(attempt)
        if fresh.state != AttemptState.PREPARED:
            return False
        _void(fresh, row, AttemptState.VOID, expired, now)
        _continue(row, expired, now)
    return True


def resolve_as_not_paid(row: Disbursement, attempt: Attempt, unpaid: Refused, *, now: datetime) -> None:
    """Close an attempt that two people found unpaid, in their transaction; the disbursement fails.

    The caller holds the locks of the disbursement and of its open attempt.
    """
    _void(attempt, row, AttemptState.FAILED, unpaid, now)
    move_disbursement(
        row, _S.FAILED, action="fail", now=now, code=unpaid.reason, facts={}, due_at=None, claimed_by="",
        claim_version=row.claim_version + 1,
    )  # fmt: skip
    record_outcome(row, now=now)


def _void(attempt: Attempt, row: Disbursement, state: AttemptState, refused: Refused, now: datetime) -> None:
    """Reverse the hold of a locked, open attempt and close it."""
    reversal_id = reverse(
        transaction_id=attempt.hold_transaction_id,
        kind=TransactionKind.HOLD_VOID,
        reference=f"{subject_of(row.pk)}:void:{attempt.number}",
        at=now,
        subject=row.subject,
    )
    outcome = refused.reason[:120]
    move_attempt(
        attempt, state, action="close_attempt", now=now, facts={"outcome": outcome}, closed_at=now, asked_at=now,
        close_transaction_id=reversal_id, outcome=outcome, failure_class=refused.failure, verdict=refused.verdict,
        evidence=refused.evidence,
    )  # fmt: skip


def _continue(row: Disbursement, refused: Refused, now: datetime) -> None:
    """Decide what follows for a locked disbursement; one under review waits for a person all the same."""
    if row.state == _S.NEEDS_REVIEW:
        Disbursement.objects.filter(pk=row.pk).update(due_at=None, claimed_by="")
        return
    step = after_failure(refused.failure, retries=row.retries, now=now)
    code, facts = _stored_reason(refused)
    if step.state == _S.PROCESSING:
        retries = row.retries + (1 if step.counts_as_retry else 0)
        Disbursement.objects.filter(pk=row.pk).update(
            due_at=step.due_at, retries=retries, claimed_by="", failure_code=code, failure_facts=facts
        )
        return
    action = "fail" if step.state == _S.FAILED else "review"
    move_disbursement(
        row, step.state, action=action, now=now, code=code, facts=facts, due_at=step.due_at, claimed_by=""
    )
    record_outcome(row, now=now)


def _stored_reason(refused: Refused) -> tuple[str, dict[str, str]]:
    """Return the code of a refusal; one that is too long for a code is text."""
    code = refused.reason[:CODE_LENGTH]
    return code, {} if code == refused.reason else {"text": refused.reason[:LONGEST_STORED_TEXT]}
