"""Make open attempts and collections due, so that their providers are queried now."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.wake_ups import wake
from transfers.attempt_queries import unsettled_until
from transfers.enums import AWAITING_STATES, OPEN_ATTEMPT_STATES
from transfers.errors import AttemptNotOpen
from transfers.models import Collection, Disbursement
from transfers.queries import has_open_attempt, subject_of
from transfers.services.disbursements import RUN_DUE_TASK, locked


def query_now(*, disbursement_id: int, actor: Actor, now: datetime) -> None:
    """Have a worker query the provider at once about an open attempt, or a closed order that may still be paid.

    One that has claimed it does so already.

    Raises: DisbursementMissing, AttemptNotOpen.
    """
    with transaction.atomic():
        row = locked(disbursement_id)
        if not has_open_attempt(row.pk) and unsettled_until(row.pk, now=now) is None:
            raise AttemptNotOpen(disbursement_id=row.pk, state=row.state)
        Disbursement.objects.filter(_unclaimed(now), pk=row.pk).update(due_at=now)
        # An action of the trail keeps its code.
        trail.record(subject=subject_of(row.pk), action="ask_outside", actor=actor, at=now)
        wake(RUN_DUE_TASK)


def make_open_attempts_due(*, now: datetime) -> int:
    """Make every disbursement with an open attempt due at once, unless a worker has claimed it."""
    open_ones = Disbursement.objects.filter(attempts__state__in=OPEN_ATTEMPT_STATES).values_list(
        "pk", flat=True
    )
    ids = list(open_ones)
    return Disbursement.objects.filter(_unclaimed(now), pk__in=ids).update(due_at=now)


def make_open_collections_due(*, now: datetime) -> int:
    """Make every collection that awaits money due at once."""
    return Collection.objects.filter(state__in=AWAITING_STATES).update(ask_at=now)


def _unclaimed(now: datetime) -> Q:
    """Select what no worker has claimed."""
    return Q(claimed_by="") | Q(due_at__lt=now) | Q(due_at=None)
