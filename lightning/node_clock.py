"""Whether the node refuses calls that come late: its clock compared with ours, by macaroons narrowed to a moment.

A send that the node receives late is refused by its `time-before` caveat, so how late a call may still be taken depends
on the node's clock, and on whether it checks macaroons at all. Both are tried with GetInfo, which changes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from lightning.client import LndClient, NodeMisconfigured, NodeTooLate, NodeUnavailable
from lightning.recent import Recent
from sunusav.core.clock import Clock
from sunusav.core.deadlines import Deadline, boottime_ns

# How far the node's clock may be behind ours, and how long the answer that shows it may take; together, how late the
# node may still take a call. A node that is further ahead would leave too little of a send's lease.
MAX_BEHIND = timedelta(seconds=5)
MAX_ANSWER = timedelta(seconds=5)
LATE_BY = MAX_BEHIND + MAX_ANSWER
MAX_AHEAD = timedelta(seconds=10)
COMPARE_EVERY_SECONDS = 30.0
MEASURED_SECONDS = 64


def now_by(deadline: Deadline) -> datetime:
    """Return the present moment on the clock of a deadline, or a later one, but never an earlier one."""
    return deadline.at - timedelta(microseconds=(deadline.boottime_ns - boottime_ns()) // 1_000)


def is_accepted(client: LndClient, moment: datetime) -> bool:
    """Return whether the node takes a call that is narrowed to this moment. Raises: NodeError."""
    try:
        client.get_info(not_after=moment)
    except NodeTooLate:
        return False
    return True


def clock_offset_seconds(client: LndClient, clock: Clock) -> int:
    """Measure how far the node's clock is ahead of ours, by bisection. A node that answers late seems ahead.

    The largest and the smallest value mean this much or more; a node that does not check macaroons seems slow without
    limit. Rounding: down. Raises: NodeError.
    """
    low, high = -MEASURED_SECONDS, MEASURED_SECONDS
    while high - low > 1:
        middle = (low + high) // 2
        if is_accepted(client, clock() + timedelta(seconds=middle)):
            high = middle
        else:
            low = middle
    return low


class NodeClock:
    """Compare the node's clock with ours, at most once in `keep_seconds` while it agrees."""

    def __init__(
        self,
        client: LndClient,
        *,
        keep_seconds: float = COMPARE_EVERY_SECONDS,
        max_answer: timedelta = MAX_ANSWER,
    ) -> None:
        self._client = client
        self._max_answer_ns = max_answer // timedelta(microseconds=1) * 1_000
        self._compared: Recent[None] = Recent(keep_seconds)

    def require_agreement(self, clock: Clock) -> None:
        """Require that the node refuses a call `LATE_BY` after its deadline, and takes one well before it.

        `clock` is read while the comparison is timed: a stop in between is part of its time.

        Raises: NodeMisconfigured when it does not; NodeUnavailable when it answers too slowly to tell; NodeError.
        """
        self._compared.get(lambda: self._compare(clock))

    def require_no_disagreement(self) -> None:
        """Raise the error of the last comparison, if it is still recent. Queries nothing."""
        self._compared.raise_recent_error()

    def _compare(self, clock: Clock) -> None:
        started_ns = boottime_ns()
        now = clock()
        if is_accepted(self._client, now - MAX_BEHIND):
            raise NodeMisconfigured(
                "the node accepts macaroons that have expired: its clock is more than "
                f"{_seconds(MAX_BEHIND)} s slow, or macaroons are not checked"
            )
        if boottime_ns() - started_ns > self._max_answer_ns:
            raise NodeUnavailable("the node answers too slowly to compare its clock with ours")
        if not is_accepted(self._client, now + MAX_AHEAD):
            raise NodeMisconfigured(f"the node's clock is more than {_seconds(MAX_AHEAD)} s fast")


def _seconds(duration: timedelta) -> int:
    return int(duration.total_seconds())
