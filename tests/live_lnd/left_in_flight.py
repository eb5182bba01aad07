"""Payments that LND left in flight without end when it was killed.

It may die after it stored an attempt and before its channel has the HTLC. It then reports the payment as in flight,
after further restarts too (lightningnetwork/lnd issue 9340). Nothing was paid, and the engine must keep it open.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from tests.live_lnd.regtest.node import LndNode

LEFT_AFTER_SECONDS = 60


def are_left_in_flight(node: LndNode, payment_hashes: Collection[str]) -> bool:
    """Return whether these began more than a minute ago and are in flight, while no channel has an HTLC."""
    if not payment_hashes:
        return True
    if any(channel["pending_htlcs"] for channel in node.cli("listchannels")["channels"]):
        return False
    before_ns = (time.time() - LEFT_AFTER_SECONDS) * 1e9
    recorded = [one for one in node.payments() if one["payment_hash"] in payment_hashes]
    return len(recorded) == len(payment_hashes) and all(
        one["status"] == "IN_FLIGHT" and int(one["creation_time_ns"]) < before_ns for one in recorded
    )
