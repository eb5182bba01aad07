"""The destinations of a claimed disbursement: which was finally refused, and what one in francs is paid."""

from datetime import datetime

from django.db import transaction

from sunusav.core.errors import DomainError
from sunusav.core.trail import TrailFact, record_all
from sunusav.core.transactions import retried_on_deadlock
from transfers.engine.claims import ENGINE, Claim, claimed_rows, locked_processing_claim
from transfers.engine.policy import DEFER_FOR
from transfers.engine.situation import NotAdmitted, NotPrepared
from transfers.enums import DeferralCode
from transfers.models import Disbursement, DisbursementDestination
from transfers.queries import destinations_of, subject_of
from transfers.services.amounts import converted
from transfers.types import Deferral

CODE_LENGTH = 80


@retried_on_deadlock
def fix_francs(claim: Claim, *, now: datetime) -> NotAdmitted | NotPrepared | None:
    """Fix the francs of a claimed payment at the rate of now; without a rate that may move francs, it waits for one.

    Raises: ClaimLost.
    """
    row = claim.row
    assert row.net_msat is not None, "a payment in process has its net"  # noqa: S101  (a programmer's mistake)
    with transaction.atomic(durable=True):
        locked_processing_claim(claim)
        rails = [one.rail for one in destinations_of(row)]
        try:
            columns = converted(row, rails, net_msat=row.net_msat, now=now)
        except DomainError as refusal:
            return NotPrepared(refusal.code, refusal.stored_facts)
        if not columns:
            return NotAdmitted(Deferral(DeferralCode.RATE_NOT_FRESH, {}, now + DEFER_FOR))
        claimed_rows([claim]).update(**columns)
    for name, value in columns.items():
        setattr(row, name, value)
    return None


@retried_on_deadlock
def refuse_destination(claim: Claim, code: str, *, now: datetime) -> None:
    """Store that the destination in use was finally refused before anything was sent to it. Raises: ClaimLost."""
    chosen = claim.destination
    with transaction.atomic(durable=True):
        record_refusal(locked_processing_claim(claim), chosen.digest, code, now=now)
    chosen.refused_at, chosen.refusal_code = now, code[:CODE_LENGTH]


def record_refusal(row: Disbursement, digest: str, code: str, *, now: datetime) -> None:
    """Store that a destination of a locked disbursement was finally refused; the other one is next."""
    refused = DisbursementDestination.objects.filter(disbursement=row, digest=digest, refused_at=None)
    if refused.update(refused_at=now, refusal_code=code[:CODE_LENGTH]):
        facts = {"destination_digest": digest, "code": code[:CODE_LENGTH]}
        record_all([TrailFact(subject_of(row.pk), "refuse_destination", ENGINE, now, facts=facts)])
