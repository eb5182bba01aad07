"""The sealer of the books: chains what is not sealed yet and moves the checkpoints, in one transaction."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from ledger.models import AccountCheckpoint, JournalEntry, JournalTransaction, LedgerSeal
from ledger.queries import bodies_of
from sunusav.core.auditing import Breach
from sunusav.core.sealing import GENESIS, chain_hash, last_link, lock_chain, settled_mark

CHAIN = "books"
CHUNK = 1_000


def seal_books(*, now: datetime, limit: int = 5_000) -> int:
    """Chain what has no seal yet and move the accounts' checkpoints; return how many were sealed."""
    with transaction.atomic():
        lock_chain(CHAIN)
        floor = _swept_floor()
        waiting = list(_unsealed_above(floor)[:limit])
        if not waiting:
            return 0
        seals = _chain(waiting, now)
        LedgerSeal.objects.bulk_create(seals, batch_size=CHUNK)
        _move_checkpoints(
            [row.pk for row in waiting],
            sealed_seq=seals[-1].seq,
            floor=max(floor, _next_floor(waiting, is_cut=len(waiting) == limit, now=now)),
        )
    return len(seals)


def _swept_floor() -> int:
    """Return the floor the last pass established, after which nothing below it was left unsealed."""
    return AccountCheckpoint.objects.aggregate(top=Max("floor"))["top"] or 0


def _next_floor(waiting: Sequence[JournalTransaction], *, is_cut: bool, now: datetime) -> int:
    """Return the floor for the next pass and for the balances.

    Ids grow in the order of the inserts, so what lies below a row sealed an hour ago was begun before that
    and has committed by now; this pass, made after that hour, has sealed it. A pass cut short vouches for
    its rows.
    """
    settled = settled_mark(LedgerSeal, "transaction_id", now=now)
    return min(settled, waiting[-1].pk) if is_cut else settled


def _unsealed_above(floor: int) -> Any:
    return JournalTransaction.objects.filter(id__gt=floor, seal=None).order_by("id")


def _chain(waiting: Sequence[JournalTransaction], now: datetime) -> list[LedgerSeal]:
    seq, previous = last_link(LedgerSeal)
    seals = []
    for row, body in bodies_of(waiting):
        seq, previous = seq + 1, chain_hash(previous, body)
        seals.append(LedgerSeal(seq=seq, transaction=row, hash=previous, sealed_at=now))
    return seals


def _move_checkpoints(transaction_ids: Sequence[int], *, sealed_seq: int, floor: int) -> None:
    sums = _sums_of(transaction_ids)
    known = AccountCheckpoint.objects.in_bulk(list(sums))
    for account_id, checkpoint in known.items():
        checkpoint.amount += sums.pop(account_id)
        checkpoint.sealed_seq, checkpoint.floor = sealed_seq, floor
    AccountCheckpoint.objects.bulk_update(known.values(), ["amount", "sealed_seq", "floor"], batch_size=CHUNK)
    _start_checkpoints(sums, sealed_seq=sealed_seq, floor=floor)


def _start_checkpoints(sums: Mapping[int, int], *, sealed_seq: int, floor: int) -> None:
    AccountCheckpoint.objects.bulk_create(
        [
            AccountCheckpoint(account_id=account_id, amount=amount, sealed_seq=sealed_seq, floor=floor)
            for account_id, amount in sums.items()
        ],
        batch_size=CHUNK,
    )


def _sums_of(transaction_ids: Sequence[int]) -> dict[int, int]:
    sums: dict[int, int] = defaultdict(int)
    entries = JournalEntry.objects.filter(transaction__in=transaction_ids)
    for account_id, amount in entries.values_list("account_id", "amount"):
        sums[account_id] += amount
    return dict(sums)


def verify_books(*, since: datetime | None = None) -> Iterator[Breach]:
    """Recompute the chain, or its end since a moment, and yield each link that does not hold."""
    seals = LedgerSeal.objects.order_by("seq")
    expected_seq, previous = 1, GENESIS
    if since is not None:
        before = seals.filter(sealed_at__lt=since).last()
        if before is not None:
            seals = seals.filter(seq__gt=before.seq)
            expected_seq, previous = before.seq + 1, before.hash
    yield from _broken_links(seals, expected_seq, previous)


def _broken_links(seals: Any, expected_seq: int, previous: str) -> Iterator[Breach]:
    for seal, body in _with_bodies(seals):
        if seal.seq != expected_seq:
            yield Breach(
                "I18", f"books:{expected_seq}", f"link missing: {expected_seq} is followed by {seal.seq}"
            )
        if chain_hash(previous, body) != seal.hash:
            yield Breach(
                "I18", f"books:{seal.seq}", f"transaction {seal.transaction_id} does not fit its hash"
            )
        expected_seq, previous = seal.seq + 1, seal.hash


def _with_bodies(seals: Any) -> Iterator[tuple[LedgerSeal, dict[str, Any]]]:
    """Page by key: MySQL's client would otherwise hold the whole chain in memory."""
    last = 0
    while chunk := list(seals.filter(seq__gt=last).select_related("transaction")[:CHUNK]):
        bodies = bodies_of([seal.transaction for seal in chunk])
        yield from ((seal, body) for seal, (_, body) in zip(chunk, bodies, strict=True))
        last = chunk[-1].seq
