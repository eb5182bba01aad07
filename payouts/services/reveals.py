"""Show a person's name, phone and destinations in clear, and record who saw them and why."""

from datetime import datetime

from django.db import transaction

from payouts.calculations import cycle_subject, refund_subject
from payouts.models import Cycle, Refund
from payouts.queries.credit import require_member
from payouts.queries.people import known_names, known_phones
from payouts.types import RevealedPerson
from sunusav.core import trail
from sunusav.core.actors import Actor
from transfers.destination_queries import destinations_for, open_destinations
from transfers.types import Destination, SealedDestination, member_ref


def reveal_person(*, user_id: str, reason: str, actor: Actor, now: datetime) -> RevealedPerson:
    """Return what is encrypted about a person, in clear; that it was shown, to whom and why is in the trail.

    Raises: MemberMissing, PersonErased.
    """
    require_member(user_id)
    person = member_ref(user_id)
    with transaction.atomic():
        trail.record(subject=person, action="reveal", actor=actor, at=now, reason=reason)
        return RevealedPerson(
            user_id=user_id, names=tuple(sorted(known_names(user_id))),
            phones=tuple(sorted(filter(None, known_phones(user_id)))), destinations=_destinations(user_id),
        )  # fmt: skip


def _destinations(user_id: str) -> tuple[Destination, ...]:
    """Return where their cycles and refunds are paid, each destination once. Raises: PersonErased."""
    cycles = list(Cycle.objects.filter(winner_user_id=user_id).order_by("pk"))
    refunds = Refund.objects.filter(user_id=user_id).values_list("pk", flat=True)
    subjects = [*(cycle_subject(row.pk) for row in cycles), *(refund_subject(pk) for pk in refunds)]
    given: list[SealedDestination] = [one for row in cycles for one in row.destinations]
    paid = destinations_for(subjects, person_ref=member_ref(user_id))
    return tuple(dict.fromkeys(open_destinations([*given, *paid])))
