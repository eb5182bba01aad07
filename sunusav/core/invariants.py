"""Invariants of core: the trail's chain, four eyes, nothing left waiting."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, F, Q

from sunusav.core.auditing import AuditScope, Breach, Invariant, rows_since
from sunusav.core.models import Approval, OutboxMessage, Proposal
from sunusav.core.trail import unsealed, unsealed_before, verify_trail

UNSEALED_FOR_LONG = timedelta(minutes=5)
UNDELIVERED_FOR_LONG = timedelta(minutes=10)


def _trail_chain(scope: AuditScope) -> Iterator[Breach]:
    yield from verify_trail(since=scope.since)


def _four_eyes(scope: AuditScope) -> Iterator[Breach]:
    broken = rows_since(Approval.objects.all(), "decided_at", scope.since).filter(
        Q(approver=F("proposal__proposer")) | ~Q(proposer=F("proposal__proposer"))
    )
    for approval in broken:
        yield Breach(
            "I16",
            f"approval:{approval.pk}",
            "the approver is the proposer, or the proposer copy is untrue",
        )
    given = Count("approvals", filter=Q(approvals__is_approved=True, approvals__digest=F("digest")))
    decided = Proposal.objects.filter(state="approved")
    if scope.since is not None:
        # Not `rows_since`: a proposal may be decided long after it was made. People make each, so there are few.
        decided = decided.filter(decided_at__gte=scope.since)
    for proposal in decided.annotate(given=given):
        if proposal.given < proposal.approvals_needed:
            yield Breach(
                "I16", f"proposal:{proposal.pk}", f"{proposal.given} approvals of {proposal.approvals_needed}"
            )


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
    Invariant("I16", "four eyes: enough approvals, none by the proposer", _four_eyes),
    Invariant("I20", "no trail entry waits for its seal", _unsealed, waiting=True),
    Invariant("I20", "no outbox message waits too long", _undelivered, waiting=True),
]
