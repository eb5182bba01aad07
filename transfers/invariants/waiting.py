"""What waits longer than a working engine would let it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings

from sunusav.core.auditing import AuditScope, Breach
from transfers.enums import AttemptState
from transfers.invariants.scope import name_of_attempt
from transfers.models import Attempt, Disbursement
from transfers.queries import newest_matches, subject_of
from transfers.return_queries import unclaimed_returns

TOO_LONG: Final = timedelta(minutes=15)
TOO_LONG_FOR_PEOPLE: Final = timedelta(days=1)
# A longer list would add nothing: the engine stands still.
MOST_REPORTED: Final = 100


def nothing_waits_too_long(scope: AuditScope) -> Iterable[Breach]:
    before = scope.now - TOO_LONG
    for row in Disbursement.objects.filter(due_at__lt=before)[:MOST_REPORTED]:
        yield Breach("I20", subject_of(row.pk), "due for 15 minutes, and no worker took it")
    unknown = Attempt.objects.filter(closed_at=None, state=AttemptState.PREPARED, opened_at__lt=before)
    for attempt in unknown[:MOST_REPORTED]:
        yield Breach("I20", name_of_attempt(attempt), "its outcome is unknown for 15 minutes")


def no_return_waits(scope: AuditScope) -> Iterable[Breach]:
    """Yield the payments whose recipients paid the money back, and nobody has proposed to book it back for a day."""
    for row in unclaimed_returns(settled_before=scope.now - TOO_LONG_FOR_PEOPLE)[:MOST_REPORTED]:
        detail = f"paid by request {row.pk} for a day, and nobody proposed to book it back"
        yield Breach("I20", row.subject, detail)


def no_mismatch_waits(scope: AuditScope) -> Iterable[Breach]:
    """Yield the rails whose last match found payments that differ: people look into them, so nothing is paused."""
    for name, match in newest_matches(settings.RAILS).items():
        if match and match.mismatches_found:
            detail = f"{match.mismatches_found} payments differ from the provider's statement"
            yield Breach("I20", f"rail:{name}", detail)
