"""The audit trail: who did what to which subject, when and why. Transitions append to it; a sealer chains it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from sunusav.core.actors import Actor
from sunusav.core.auditing import Breach, pages
from sunusav.core.bulk import insert
from sunusav.core.locks import lock
from sunusav.core.models import TrailEntry, TrailSeal
from sunusav.core.sealing import (
    GENESIS,
    chain_hash,
    last_link,
    low_water_mark,
    raise_low_water_mark,
    settled_mark,
)
from sunusav.core.transactions import retried_on_deadlock

CHAIN = "trail"
REASON_LENGTH = 500


@dataclass(frozen=True)
class TrailFact:
    """One line of the trail before it is written."""

    subject: str
    action: str
    actor: Actor
    at: datetime
    from_state: str = ""
    to_state: str = ""
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def record(
    *,
    subject: str,
    action: str,
    actor: Actor,
    at: datetime,
    from_state: str = "",
    to_state: str = "",
    reason: str = "",
    facts: dict[str, Any] | None = None,
) -> None:
    """Append one line to the trail, in the caller's transaction."""
    record_all([TrailFact(subject, action, actor, at, from_state, to_state, reason, facts or {})])


def record_all(lines: Sequence[TrailFact]) -> None:
    """Append lines in one multi-row insert."""
    insert([_entry(line) for line in lines])


def _entry(line: TrailFact) -> TrailEntry:
    reason, facts = line.reason[:REASON_LENGTH], line.facts
    if line.actor.proposal_id is not None:
        # The reason is the proposer's. Under the approver's name stands the proposal that has it.
        reason, facts = "", {**facts, "proposal": line.actor.proposal_id}
    return TrailEntry(
        subject=line.subject, action=line.action, from_state=line.from_state, to_state=line.to_state,
        actor_id=line.actor.user_id, actor_label=line.actor.label, reason=reason, facts=facts, at=line.at,
    )  # fmt: skip


@retried_on_deadlock
def seal_trail(*, now: datetime, limit: int = 5_000) -> int:
    """Chain entries that have no seal yet; return how many were sealed."""
    with transaction.atomic():
        lock(CHAIN)
        waiting = list(unsealed()[:limit])
        seq, previous = last_link(TrailSeal)
        seals = []
        for entry in waiting:
            seq, previous = seq + 1, chain_hash(previous, entry_body(entry))
            seals.append(TrailSeal(seq=seq, entry=entry, hash=previous, sealed_at=now))
        TrailSeal.objects.bulk_create(seals)
        settled = settled_mark(TrailSeal, "entry_id", now=now)
        raise_low_water_mark(CHAIN, min(settled, waiting[-1].pk) if len(waiting) == limit else settled)
    return len(seals)


def unsealed() -> QuerySet[TrailEntry]:
    """Return the entries without a seal, above the sealer's low-water mark."""
    return TrailEntry.objects.filter(id__gt=low_water_mark(CHAIN), seal__isnull=True).order_by("id")


def entry_body(entry: TrailEntry) -> dict[str, Any]:
    """Return what an entry's hash covers: every stored column."""
    return {
        "id": entry.pk, "subject": entry.subject, "action": entry.action, "from": entry.from_state,
        "to": entry.to_state, "actor": entry.actor_id, "label": entry.actor_label, "reason": entry.reason,
        "facts": entry.facts, "at": entry.at.isoformat(),
    }  # fmt: skip


def verify_trail(*, since: datetime | None = None) -> Iterator[Breach]:
    """Recompute the chain, or its end since a moment, and yield each broken link.

    A removed tail leaves no broken link: `has_link` finds it, given a link that was kept elsewhere.
    """
    seals = TrailSeal.objects.select_related("entry").order_by("seq")
    expected_seq, previous = 1, GENESIS
    if since is not None:
        before = TrailSeal.objects.filter(sealed_at__lt=since).order_by("seq").last()
        if before is not None:
            seals = seals.filter(seq__gt=before.seq)
            expected_seq, previous = before.seq + 1, before.hash
    for seal in chain.from_iterable(pages(seals)):
        if seal.seq != expected_seq:
            yield Breach(
                "I18", f"trail:{expected_seq}", f"link missing: {expected_seq} is followed by {seal.seq}"
            )
        if chain_hash(previous, entry_body(seal.entry)) != seal.hash:
            yield Breach("I18", f"trail:{seal.seq}", f"entry {seal.entry_id} does not fit its hash")
        expected_seq, previous = seal.seq + 1, seal.hash


def has_link(*, seq: int, kept_hash: str) -> bool:
    """Return whether the chain has a link that was kept elsewhere: a chain whose tail was removed does not."""
    return TrailSeal.objects.filter(seq=seq, hash=kept_hash).exists()


def unsealed_before(moment: datetime) -> QuerySet[TrailEntry]:
    """Return entries older than a moment that have no seal, also below the sealer's low-water mark."""
    return TrailEntry.objects.filter(seal__isnull=True, at__lt=moment).order_by("id")
