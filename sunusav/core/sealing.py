"""Hash chains over append-only rows, made moments later by one sealer at a time.

Writers insert without touching a shared row. Ids commit out of order, so the sealer takes what has no seal
yet (an anti-join), never "everything above the highest id". To keep the anti-join short it starts at a floor
that moves only after a sweep: what lies below a row sealed more than `SETTLED_AFTER` ago was begun before that,
has committed by now, and was seen by the sweep just made.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from sunusav.core.models.sealing import SealBase, SealerLock

SETTLED_AFTER = timedelta(hours=1)
GENESIS = "0" * 64
# RFC 9162 section 2.1.1: a leaf's hash is prefixed so that it can never pass for an inner node's.
LEAF_PREFIX = b"\x00"


def canonical(body: dict[str, Any]) -> bytes:
    """Encode facts in exactly one way: sorted keys, no blanks, UTF-8."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()


def chain_hash(previous_hash: str, body: dict[str, Any]) -> str:
    """Return the hash of a row chained to the one before it."""
    return hashlib.sha256(LEAF_PREFIX + canonical(body) + bytes.fromhex(previous_hash)).hexdigest()


def lock_chain(chain: str) -> None:
    """Hold the chain's lock until the caller's transaction ends."""
    assert transaction.get_connection().in_atomic_block, "a chain is locked inside a transaction"  # noqa: S101
    lock = SealerLock.objects.select_for_update().filter(chain=chain)
    if not lock:  # a chain's row comes with its migration; two who both miss it may dead-lock, once
        SealerLock.objects.get_or_create(chain=chain)
        lock.get()


def settled_mark(seals: type[SealBase], row_field: str, *, now: datetime) -> int:
    """Return the id below which every row is sealed for certain, by one look at the end of an index."""
    old = seals._default_manager.filter(sealed_at__lt=now - SETTLED_AFTER)
    return old.order_by("-sealed_at", "-seq").values_list(row_field, flat=True).first() or 0


def low_water_mark(chain: str) -> int:
    """Return the floor that the last sweep of a chain established."""
    return SealerLock.objects.filter(chain=chain).values_list("floor", flat=True).first() or 0


def raise_low_water_mark(chain: str, floor: int) -> None:
    """Raise a chain's floor after a sweep from the old one; it never sinks."""
    SealerLock.objects.filter(chain=chain, floor__lt=floor).update(floor=floor)


def last_link(seals: type[SealBase]) -> tuple[int, str]:
    """Return the sequence number and hash of the chain's end."""
    last = seals._default_manager.order_by("-seq").values_list("seq", "hash").first()
    return last or (0, GENESIS)
