"""Request money back from a recipient: an invoice for what was paid, whose payment proves a reversal."""

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext, override

from ledger.enums import Currency
from sunusav.core.actors import Actor
from transfers.attempt_queries import paid_attempt_of
from transfers.collection_queries import collections_for
from transfers.enums import DisbursementState
from transfers.errors import CollectionSettled, DisbursementNotReversible, ReturnArrived
from transfers.models import Attempt, Disbursement
from transfers.queries import residue_account
from transfers.return_queries import return_subject
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import open_collection
from transfers.services.return_proofs import returns_account
from transfers.types import CollectionFacts


def request_return(*, disbursement_id: int, actor: Actor, reason: str, now: datetime) -> CollectionFacts:
    """Open an invoice for what a payment over Lightning paid; an open one is returned again.

    What arrives is held until a reversal books it back. What is paid beyond it goes where francs left over would go.
    Raises: DisbursementNotReversible, CollectorUnavailable, ReturnArrived once it was paid.
    """
    row = Disbursement.objects.get(pk=disbursement_id)
    attempt = paid_attempt_of(row.pk)
    if row.state != DisbursementState.COMPLETED or attempt is None or attempt.order.currency != Currency.MSAT:
        raise DisbursementNotReversible(disbursement_id=row.pk, state=row.state)
    opened = _opened(row, attempt, actor=actor, reason=reason, now=now)
    row.refresh_from_db(fields=["state"])
    if row.state != DisbursementState.COMPLETED:
        # It was reversed meanwhile, by another proof: nobody may pay the invoice any more.
        cancel_collection(collection_id=opened.id, actor=actor, reason=reason, now=now)
        raise DisbursementNotReversible(disbursement_id=row.pk, state=row.state)
    return opened


def _opened(
    row: Disbursement, attempt: Attempt, *, actor: Actor, reason: str, now: datetime
) -> CollectionFacts:
    subject = return_subject(row.pk)
    try:
        return open_collection(
            subject=subject, due=attempt.order.money(attempt.order.amount), method=attempt.order.rail,
            credit=returns_account(row.pk), overpaid=residue_account(row), memo=_memo(row), actor=actor,
            reason=reason, now=now,
        )  # fmt: skip
    except CollectionSettled as settled:
        found = collections_for([subject])[subject]
        raise ReturnArrived(
            disbursement_id=row.pk, collection_id=found.id, reference=found.reference
        ) from settled


def _memo(row: Disbursement) -> str:
    """Return what the payer's wallet shows, in the language of the members."""
    with override(settings.LANGUAGE_CODE):
        return gettext("SunuSàv: return of payment %(number)s") % {"number": row.pk}
