"""Which of the payments that wait for a rail may go, after a look at what it can send. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from transfers.types import Sendable


class WaitsFor(Enum):
    """Why a payment is in the queue of a rail.

    Next: it is due or claimed, and takes its part before those that wait. Rail: it was deferred because the rail was
    short, unavailable or stopped. Money: the provider refused it for insufficient balance although it seemed to fit.
    Time: a retry that must not go yet; when it may, it may try a stopped rail.
    """

    NEXT = "next"
    RAIL = "rail"
    MONEY = "money"
    TIME = "time"


@dataclass(frozen=True)
class Queued:
    """A payment that is to go by a rail, with what must be sendable for it. Units: the rail's currency.

    `was_missed`: the look before was to release it, but a worker had claimed it at that moment, or it was too soon.
    `is_too_soon`: it was refused for insufficient balance too recently to go before its own wait is over.
    """

    disbursement_id: int
    needed: int
    waits_for: WaitsFor
    was_missed: bool = False
    is_too_soon: bool = False


@dataclass(frozen=True)
class Before:
    """What the last look with an answer found. Units: the rail's currency.

    `returned` was under way then and has come back unpaid since: it is nothing new. `is_available`: the last look
    had an answer.
    """

    total: int
    largest: int
    returned: int = 0
    is_available: bool = True


@dataclass(frozen=True)
class Release:
    """The payments that are due at once, and whether a stopped rail is tried now.

    `too_soon`: those that a later look is to release.
    """

    disbursement_ids: tuple[int, ...] = ()
    tries_rail: bool = False
    too_soon: tuple[int, ...] = ()


def decide_release(
    before: Before | None, found: Sendable, queue: Sequence[Queued], *, is_stopped: bool
) -> Release:
    """Decide which payments are due at once. `queue` is in the order in which they would go.

    What waits for the rail goes as soon as it fits. What waits for money goes when it did not fit before, or when what
    was added alone covers it, unless it was refused too recently. A stopped rail is tried for the same two reasons, and
    after it was unavailable; otherwise it keeps its wait, and so does all that waits for it.
    """
    with_money = [one for one in queue if one.waits_for != WaitsFor.MONEY or _has_money(one, before, found)]
    too_soon = tuple(one.disbursement_id for one in with_money if one.is_too_soon and _fits_alone(one, found))
    able = [one for one in with_money if not one.is_too_soon]
    if is_stopped and not _is_worth_a_try(able, before, found):
        return Release(too_soon=too_soon)
    fitting = _covered_by(found, [one for one in able if one.waits_for != WaitsFor.TIME])
    ids = tuple(one.disbursement_id for one in fitting if one.waits_for != WaitsFor.NEXT)
    return Release(ids, tries_rail=is_stopped, too_soon=too_soon)


def covered(queue: Iterable[Queued], *, total: int, largest: int) -> list[Queued]:
    """Return the payments that fit, in their order; where one does not, a smaller one behind it may."""
    fitting: list[Queued] = []
    for one in queue:
        if one.needed <= min(total, largest):
            total -= one.needed
            fitting.append(one)
    return fitting


def _has_money(one: Queued, before: Before | None, found: Sendable) -> bool:
    """Return whether a payment that was refused for insufficient balance has a reason to fit now."""
    if before is None:
        return False
    did_fit = one.needed <= min(before.total, before.largest) + before.returned
    return one.was_missed or not did_fit or one.needed <= _added(before, found)


def _fits_alone(one: Queued, found: Sendable) -> bool:
    return one.needed <= min(found.total.amount, found.largest.amount)


def _covered_by(found: Sendable, queue: Iterable[Queued]) -> list[Queued]:
    return covered(queue, total=found.total.amount, largest=found.largest.amount)


def _is_worth_a_try(queue: Sequence[Queued], before: Before | None, found: Sendable) -> bool:
    """Return whether a stopped rail is tried before its wait is over."""
    fitting = _covered_by(found, queue)
    if before is None or not before.is_available:
        return before is not None and bool(fitting)
    total = before.total + before.returned
    largest = before.largest + before.returned
    if found.total.amount <= total and found.largest.amount <= largest:
        return False
    fitted = covered(queue, total=total, largest=largest)
    return any(one not in fitted or one.needed <= _added(before, found) for one in fitting)


def _added(before: Before, found: Sendable) -> int:
    return found.total.amount - before.total - before.returned
