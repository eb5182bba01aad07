"""The sealer of the books: chains unsealed transactions and moves the checkpoints, in one transaction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from ledger.models import AccountCheckpoint, JournalEntry, JournalTransaction, LedgerSeal
from ledger.queries import bodies_of, swept_floor
from sunusav.core.locks import lock
from sunusav.core.sealing import chain_hash, last_link, settled_mark
from sunusav.core.transactions import retried_on_deadlock

CHAIN = "books"
CHUNK = 1_000


@retried_on_deadlock
def seal_books(*, now: datetime, limit: int = 5_000) -> int:
    """Seal transactions that have no seal and move the accounts' checkpoints; return how many were sealed."""
    with transaction.atomic():
        lock(CHAIN)
        floor = swept_floor()
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


def _next_floor(waiting: Sequence[JournalTransaction], *, is_cut: bool, now: datetime) -> int:
    """Return the floor for the next pass and for the balances.

    Ids grow in the order of the inserts. A row with an id below that of a row sealed an hour ago was inserted before
    it and has committed by now, so this pass has sealed it. A pass that reached its limit has sealed only up to its
    last row.
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
