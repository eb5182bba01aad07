"""Ask the outside about everything that is open, now."""

from datetime import datetime

from django.db.models import Q

from transfers.enums import OPEN_ATTEMPT_STATES
from transfers.models import Collection, Disbursement


def make_open_attempts_due(*, now: datetime) -> int:
    """Make every disbursement with an open attempt due at once, unless a worker has it in hand."""
    open_ones = Disbursement.objects.filter(attempts__state__in=OPEN_ATTEMPT_STATES).values_list(
        "pk", flat=True
    )
    ids = list(open_ones)
    free = Q(claimed_by="") | Q(due_at__lt=now) | Q(due_at=None)
    return Disbursement.objects.filter(free, pk__in=ids).update(due_at=now)


def make_open_collections_due(*, now: datetime) -> int:
    """Have every open collection asked about at the next sweep."""
    return Collection.objects.filter(state="open").update(ask_at=now)
