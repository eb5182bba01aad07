"""Make open attempts and collections due, so that their providers are queried now."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.wake_ups import wake
from transfers.attempt_queries import unsettled_until
from transfers.enums import AWAITING_STATES, OPEN_ATTEMPT_STATES, QuerySoon
from transfers.errors import AttemptNotOpen
from transfers.models import Collection, Disbursement, PaymentOrder
from transfers.queries import has_open_attempt, subject_of
from transfers.services.cancellations import SWEEP_TASK
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


def query_collection_soon(*, method: str, reference: str, now: datetime) -> QuerySoon:
    """Make a request for money due at once, by its reference, so that a worker queries its collector.

    One that has ended is queried too: it may have been paid late, or twice.
    """
    named = Collection.objects.filter(method=method, reference=reference)
    state = named.values_list("state", flat=True).first()
    if state is None:
        return QuerySoon.UNKNOWN
    named.filter(Q(ask_at=None) | Q(ask_at__gt=now)).update(ask_at=now)
    wake(SWEEP_TASK)
    return QuerySoon.OPEN if state in AWAITING_STATES else QuerySoon.ENDED


def query_order_soon(*, rail: str, reference: str, now: datetime) -> QuerySoon:
    """Make a payment due at once, by the reference of its order, so that a worker queries its rail.

    Only while an attempt is open: nothing is sent sooner for it. A worker that has claimed it queries it already.
    """
    orders = PaymentOrder.objects.filter(rail=rail, reference=reference)
    disbursement_id = orders.values_list("disbursement_id", flat=True).first()
    if disbursement_id is None:
        return QuerySoon.UNKNOWN
    if not has_open_attempt(disbursement_id):
        return QuerySoon.ENDED
    Disbursement.objects.filter(_unclaimed(now), pk=disbursement_id).update(due_at=now)
    wake(RUN_DUE_TASK)
    return QuerySoon.OPEN


def _unclaimed(now: datetime) -> Q:
    """Select what no worker has claimed."""
    return Q(claimed_by="") | Q(due_at__lt=now) | Q(due_at=None)
