"""A scenario of the driver: one payment hangs in the node while the others of its batch and later ones are paid.

Import it after Django is set up.
"""

import time
from datetime import timedelta
from functools import partial
from typing import Any

from tests.crash.driver import control, new_payout, result_of, run_later, start, summary, wait
from transfers.models import Disbursement

SLOTS = 4
PATIENCE_SECONDS = 30


def one_slow() -> dict[str, Any]:
    """Hold one of three payments in the node; order two more; release it when the others are paid."""
    slow, *others = [new_payout(f"slow-{number}") for number in range(3)]
    control().script("platform", {"do": "hold", "at": "in_flight"}, payment_hash=slow["hash"], count=1)
    worker = start(partial(run_later, timedelta(0), slots=SLOTS))
    assert control().wait("platform", "in_flight", payment_hash=slow["hash"]) == 1
    _wait_for(others)
    later = [new_payout(f"later-{number}") for number in range(2)]
    _wait_for(later)
    while_it_was_slow = {"slow": _state(slow), "others": [_state(order) for order in (*others, *later)]}
    control().release("platform", payment_hash=slow["hash"])
    status = wait(worker)
    results = [result_of(order) for order in (slow, *others, *later)]
    return {"while_it_was_slow": while_it_was_slow, "status": status, **summary(results)}


def _wait_for(orders: list[dict[str, Any]]) -> None:
    """Wait until they are paid or the patience ends; the scenario reports their states."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at and any(_state(order) != "completed" for order in orders):
        time.sleep(0.05)


def _state(order: dict[str, Any]) -> str:
    return str(Disbursement.objects.values_list("state", flat=True).get(pk=order["id"]))
