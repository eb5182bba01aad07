"""Request money back from a recipient: an invoice for what was paid, whose payment proves a reversal."""

from datetime import datetime

from ledger.enums import Currency
from sunusav.core.actors import Actor
from transfers.attempt_queries import paid_attempt_of
from transfers.enums import DisbursementState
from transfers.errors import DisbursementNotReversible
from transfers.models import Disbursement
from transfers.queries import residue_account
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import open_collection
from transfers.services.reversals import return_subject, returns_account
from transfers.types import CollectionFacts


def request_return(*, disbursement_id: int, actor: Actor, reason: str, now: datetime) -> CollectionFacts:
    """Open an invoice for what a payment over Lightning paid; an open one is returned again.

    What arrives is held until a reversal books it back. What is paid beyond it goes where francs left over would go.
    Raises: DisbursementNotReversible, CollectorUnavailable, CollectionSettled once it was paid.
    """
    row = Disbursement.objects.get(pk=disbursement_id)
    attempt = paid_attempt_of(row.pk)
    if row.state != DisbursementState.COMPLETED or attempt is None or attempt.order.currency != Currency.MSAT:
        raise DisbursementNotReversible(disbursement_id=row.pk, state=row.state)
    opened = open_collection(
        subject=return_subject(row.pk), due=attempt.order.money(attempt.order.amount), method=attempt.order.rail,
        credit=returns_account(row.pk), overpaid=residue_account(row), memo=f"return of payment {row.pk}",
        actor=actor, reason=reason, now=now,
    )  # fmt: skip
    row.refresh_from_db(fields=["state"])
    if row.state != DisbursementState.COMPLETED:
        # It was reversed meanwhile, by another proof: nobody may pay the invoice any more.
        cancel_collection(collection_id=opened.id, actor=actor, reason=reason, now=now)
        raise DisbursementNotReversible(disbursement_id=row.pk, state=row.state)
    return opened
