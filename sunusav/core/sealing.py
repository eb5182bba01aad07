"""Hash chains over append-only rows, made moments later by one sealer at a time.

Writers insert without touching a shared row. Ids commit out of order, so the sealer takes the rows without a seal
(an anti-join), never "everything above the highest id". To keep the anti-join short it starts at a low-water mark,
which is raised only after the sealer has looked at everything above it: a row below one that was sealed more than
`SETTLED_AFTER` ago was inserted before that, has committed by now, and has just been sealed.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sunusav.core.models.lock import Lock
from sunusav.core.models.sealing import SealBase

SETTLED_AFTER = timedelta(hours=1)
GENESIS = "0" * 64
# RFC 9162 section 2.1.1: a leaf's hash is prefixed so that it cannot be mistaken for an inner node's.
LEAF_PREFIX = b"\x00"


def canonical(body: dict[str, Any]) -> bytes:
    """Encode facts as canonical JSON: sorted keys, no blanks, UTF-8."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()


def chain_hash(previous_hash: str, body: dict[str, Any]) -> str:
    """Return the hash of a row chained to the one before it."""
    return hashlib.sha256(LEAF_PREFIX + canonical(body) + bytes.fromhex(previous_hash)).hexdigest()


def settled_mark(seals: type[SealBase], row_field: str, *, now: datetime) -> int:
    """Return the id below which every row has committed, by one look-up at the end of an index."""
    old = seals._default_manager.filter(sealed_at__lt=now - SETTLED_AFTER)
    return old.order_by("-sealed_at", "-seq").values_list(row_field, flat=True).first() or 0


def low_water_mark(chain: str) -> int:
    """Return the id up to which every row of the chain is known to be sealed."""
    return Lock.objects.filter(name=chain).values_list("floor", flat=True).first() or 0


def raise_low_water_mark(chain: str, mark: int) -> None:
    """Raise a chain's low-water mark, once everything above the old one was sealed; it is never lowered."""
    Lock.objects.filter(name=chain, floor__lt=mark).update(floor=mark)


def last_link(seals: type[SealBase]) -> tuple[int, str]:
    """Return the sequence number and hash of the chain's last link."""
    last = seals._default_manager.order_by("-seq").values_list("seq", "hash").first()
    return last or (0, GENESIS)
