"""Wait for what real nodes and processes do in their own time."""

from __future__ import annotations

import time
from collections.abc import Callable

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.1


def eventually(
    is_true: Callable[[], bool],
    why_not: Callable[[], str] = lambda: "it did not become true in time",
    *,
    within_seconds: float = WAIT_SECONDS,
    every_seconds: float = POLL_SECONDS,
) -> None:
    """Poll until it is true."""
    ends = time.monotonic() + within_seconds
    while not is_true():
        assert time.monotonic() < ends, why_not()
        time.sleep(every_seconds)
