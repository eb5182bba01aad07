"""Pay a member's credit out to them: a disbursement without a fee, whose amount is held from the request on."""

from datetime import datetime

from django.db import transaction

from payouts.calculations import payee_of, refund_subject
from payouts.models import Refund
from payouts.queries.credit import require_member
from payouts.queries.people import sealed_name_for, since_new_phone
from payouts.queries.refunds import refund
from sunusav.core.actors import Actor
from sunusav.core.money import msat_from_sats
from sunusav.core.transactions import retried_on_deadlock
from transfers.enums import HoldFrom
from transfers.errors import CreditShort, FundsShort
from transfers.services.disbursements import cancel_disbursement, request_disbursement
from transfers.types import Choice, Destination, DisbursementRequest, credit_of, member_ref


@retried_on_deadlock
def request_refund(
    *,
    user_id: str,
    amount_sats: int,
    destination: Destination,
    reason: str,
    actor: Actor,
    now: datetime,
    requested_by: str = "",
) -> int:
    """Request that so much of a member's credit is paid out, and return the id of the refund.

    `requested_by`: whose reason it is, if not the actor's.
    What whole francs leave over stays credit. A phone waits as long as one that the member replaced.
    Raises: MemberMissing, CreditShort, OutgoingPaused, NetBelowOneFranc, PaymentReferenceUsed, what the rail refuses.
    """
    require_member(user_id)
    with transaction.atomic():
        row = Refund.objects.create(
            user_id=user_id,
            amount_sats=amount_sats,
            reason=reason,
            requested_by=requested_by or actor.label,
            requested_at=now,
        )
        choices = since_new_phone((Choice(destination),), user_id)
        request = DisbursementRequest(
            subject=refund_subject(row.pk), payout_msat=msat_from_sats(amount_sats), debit=credit_of(user_id),
            priced_for=None, choices=choices, payee_ref=payee_of(user_id),
            person_ref=member_ref(user_id), sealed_name=sealed_name_for(choices, user_id),
            hold_from=HoldFrom.REQUEST,
        )  # fmt: skip
        try:
            request_disbursement(request=request, actor=actor, now=now)
        except FundsShort as short:
            raise CreditShort(needed_msat=short.needed_msat, available_msat=short.available_msat) from short
    return int(row.pk)


def cancel_refund(*, user_id: str, refund_id: int, reason: str, actor: Actor, now: datetime) -> None:
    """Cancel a refund that certainly was not paid; its amount is the member's credit again.

    Raises: MemberMissing, RefundMissing, DisbursementNotCancellable, OrderStillPayable.
    """
    payment = refund(user_id, refund_id)
    cancel_disbursement(disbursement_id=payment.payout_id, actor=actor, reason=reason, now=now)
