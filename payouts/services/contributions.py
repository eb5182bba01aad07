"""Request the contributions of members, out of their credit first, and cancel such requests."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ledger.types import msat
from payouts.calculations import contribution_subject, pot_of
from payouts.enums import ContributionStatus
from payouts.errors import (
    ContributionMissed,
    ContributionNotRequested,
    ContributionRequestedByOtherMethod,
    ContributionSettled,
)
from payouts.queries.cycles import contribution, contribution_by_id
from payouts.services.cycles import locked_cycle
from payouts.types import ContributionFacts
from sunusav.core.actors import Actor
from sunusav.core.members import for_members
from sunusav.core.money import msat_from_sats
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.wake_ups import wake_for
from transfers.collection_queries import collections_for, has_live_collection
from transfers.errors import CollectionAskedOtherwise, CollectionSettled, CollectionWithdrawn
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import announce_collection, make_way, request_collection
from transfers.services.credit import use_available_credit
from transfers.types import credit_of

# The payer reads it in their wallet or on their phone: it must contain no names.
MEMO = _("SunuSàv contribution %(number)s")


def open_contribution(
    *,
    cycle_id: str,
    user_id: str,
    method: str,
    actor: Actor,
    now: datetime,
    phone: str = "",
    use_credit: bool = True,
) -> ContributionFacts:
    """Request a member's contribution; while a request is open, the same one is returned again.

    The member's credit pays first, in whole sats; the request asks for the rest, and there is none if credit covers
    all of it. `phone` is the payer's, for a method that asks by phone.
    Raises: CycleMissing, ContributionMissing, ContributionSettled, ContributionMissed,
    ContributionRequestedByOtherMethod, CollectorUnknown, CollectorTakesNoPhone, CollectorNeedsPhone, RateNotFresh,
    CollectorUnavailable, CollectorSwitchedOff.
    """
    owed = contribution(cycle_id, user_id)
    _require_due(owed)
    try:
        make_way(subject=contribution_subject(owed.id), method=method, actor=actor, now=now)
        requested = _request(owed, method=method, phone=phone, use_credit=use_credit, actor=actor, now=now)
        if requested is not None:
            announce_collection(requested, actor=actor, now=now)
    except CollectionAskedOtherwise as error:
        raise ContributionRequestedByOtherMethod(
            cycle_id=cycle_id, user_id=user_id, open_method=error.open_method, expires_at=error.expires_at
        ) from error
    except (CollectionSettled, CollectionWithdrawn):
        _require_due(contribution(cycle_id, user_id))
        raise
    return contribution(cycle_id, user_id)


def cancel_contribution(
    *, cycle_id: str, contribution_id: int, actor: Actor, reason: str, now: datetime
) -> ContributionFacts:
    """Cancel the request for a contribution; another may be opened by another method.

    Raises: CycleMissing, ContributionNotOfCycle, ContributionNotRequested, ContributionSettled (it was paid
    meanwhile and is booked), CollectionNotCancellable, CollectionAnsweredElsewhere, CollectorUnavailable.
    """
    owed = contribution_by_id(cycle_id, contribution_id)
    subject = contribution_subject(contribution_id)
    collection = collections_for([subject]).get(subject)
    if collection is None:
        raise ContributionNotRequested(
            cycle_id=cycle_id, contribution_id=contribution_id, contribution_status=owed.status
        )
    try:
        cancel_collection(collection_id=collection.id, actor=actor, reason=reason, now=now)
    except CollectionSettled:
        raise ContributionSettled(
            cycle_id=cycle_id, user_id=owed.user_id, contribution_id=contribution_id
        ) from None
    return contribution_by_id(cycle_id, contribution_id)


@retried_on_deadlock
def _request(
    owed: ContributionFacts, *, method: str, phone: str, use_credit: bool, actor: Actor, now: datetime
) -> int | None:
    """Use credit and store the request for the rest; None if there is no rest.

    The lock of the cycle keeps two requests, or the end of the cycle, apart.
    """
    subject, due_msat, pot = (
        contribution_subject(owed.id),
        msat_from_sats(owed.amount_sats),
        pot_of(owed.cycle_id),
    )
    with transaction.atomic():
        locked_cycle(owed.cycle_id)
        _require_due(contribution(owed.cycle_id, owed.user_id))
        used_msat = 0
        if use_credit and not has_live_collection(subject):
            used_msat = use_available_credit(
                user_id=owed.user_id, up_to_msat=due_msat, into=pot, subject=subject, actor=actor, now=now
            )
        if used_msat == due_msat:
            wake_for(subject)
            return None
        return request_collection(
            subject=subject, due=msat(due_msat - used_msat), method=method, credit=pot,
            overpaid=credit_of(owed.user_id), memo=for_members(MEMO, number=owed.id), now=now, phone=phone,
        )  # fmt: skip


def _require_due(owed: ContributionFacts) -> None:
    """Refuse a contribution that nobody has to pay any more. Raises: ContributionSettled, ContributionMissed."""
    facts = {"cycle_id": owed.cycle_id, "user_id": owed.user_id, "contribution_id": owed.id}
    if owed.status == ContributionStatus.SETTLED:
        raise ContributionSettled(**facts)
    if owed.status in (ContributionStatus.MISSED, ContributionStatus.RETURNED):
        raise ContributionMissed(**facts, contribution_status=owed.status)
