"""Invariants of core: the trail's chain, four eyes, attached files, nothing left waiting."""

from collections.abc import Iterator
from datetime import timedelta

from sunusav.core.approval_invariants import APPROVAL_INVARIANTS
from sunusav.core.attachment_invariants import ATTACHMENT_INVARIANTS
from sunusav.core.auditing import AuditScope, Breach, Invariant
from sunusav.core.models import OutboxMessage
from sunusav.core.trail import unsealed, unsealed_before, verify_trail

UNSEALED_FOR_LONG = timedelta(minutes=5)
UNDELIVERED_FOR_LONG = timedelta(minutes=10)


def _trail_chain(scope: AuditScope) -> Iterator[Breach]:
    yield from verify_trail(since=scope.since)


def _unsealed(scope: AuditScope) -> Iterator[Breach]:
    # The fast audit trusts the sealer's low-water mark; only the full audit looks below it too.
    late = scope.now - UNSEALED_FOR_LONG
    waiting = unsealed_before(late) if scope.since is None else unsealed().filter(at__lt=late)
    for entry in waiting[:100]:
        yield Breach("I20", f"trail_entry:{entry.pk}", "not sealed for 5 minutes")


def _undelivered(scope: AuditScope) -> Iterator[Breach]:
    late = OutboxMessage.objects.filter(delivered_at=None, created_at__lt=scope.now - UNDELIVERED_FOR_LONG)
    for message in late[:100]:
        yield Breach("I20", f"outbox:{message.pk}", "not delivered for 10 minutes")


INVARIANTS = [
    Invariant("I18", "the trail's hash chain holds", _trail_chain),
    *APPROVAL_INVARIANTS,
    *ATTACHMENT_INVARIANTS,
    Invariant("I20", "no trail entry waits for its seal", _unsealed, waiting=True),
    Invariant("I20", "no outbox message waits too long", _undelivered, waiting=True),
]
