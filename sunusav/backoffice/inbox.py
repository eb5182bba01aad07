"""What waits for people, on the first page. Apps list their items in `INBOX` of `backoffice.py`.

An item reads what waits, in as many statements for a million rows as for one: it counts at most 1,000 rows and shows
the first of them, each with its next step. `inbox_shown.py` phrases what is read here.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Min, QuerySet, Sum
from django.db.models.expressions import Combinable

from sunusav.core.app_modules import collect
from sunusav.core.models import User
from sunusav.core.money import Currency
from sunusav.core.roles import Role

CALM, ATTENTION, ALARM = "calm", "attention", "alarm"
TONES: Final = (ALARM, ATTENTION, CALM)
COUNTED_AT_MOST: Final = 1_000
# How many of the rows are shown; the others are in the list that the notice leads to.
ROWS_SHOWN: Final = 5


@dataclass(frozen=True)
class Amount:
    """Money that waits, in bitcoin, in francs, or both. Units: msat; whole francs as they were booked or promised."""

    msat: int | None = None
    xof: int | None = None

    @classmethod
    def of(cls, currency: str, amount: int) -> "Amount":
        """Return an amount of the ledger. Raises: ValueError for a currency that it does not have."""
        return cls(msat=amount) if Currency(currency) is Currency.MSAT else cls(xof=amount)


@dataclass(frozen=True)
class NextStep:
    """A button to the page of the next step, for people who may take it."""

    label: Any
    url: str
    permission: str = ""


@dataclass(frozen=True)
class Row:
    """One of what waits, or all that waits for one reason: what, since when, until when, how much and why.

    `count` is how many rows it stands for, where it stands for more than itself.
    """

    title: Any
    url: str = ""
    since: datetime | None = None
    until: datetime | None = None
    amount: Amount | None = None
    count: int | None = None
    why: Any = ""
    step: NextStep | None = None


@dataclass(frozen=True)
class Waiting:
    """How many rows wait, the sum of their amounts, and since when the oldest does.

    More than `COUNTED_AT_MOST` are not counted on: the sum is then that of the first ones.
    """

    count: int
    amount: Amount | None = None
    since: datetime | None = None

    @property
    def is_capped(self) -> bool:
        return self.count > COUNTED_AT_MOST


@dataclass(frozen=True)
class Notice:
    """What waits for one reason: a state in words or how much waits, the first rows, where the others are."""

    title: Any
    value: Any
    url: str
    tone: str = CALM
    waiting: Waiting | None = None
    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class InboxItem:
    """A source of notices for people with the permission; without one, each person's own for everybody.

    `read` returns None when there is nothing to show, and several notices where one read finds them all.

    `roles` are those that act on it; others that may see it are informed. Without any, everybody acts who sees it.
    """

    permission: str
    read: Callable[[User, datetime], Notice | Sequence[Notice] | None]
    roles: Collection[Role] = ()


@dataclass(frozen=True)
class Inbox:
    """What waits for a person, and what waits for others or is only a state."""

    to_do: Sequence[Notice]
    informed: Sequence[Notice]


def count_waiting(
    rows: QuerySet[Any],
    *,
    since: str,
    msat: str | Combinable | None = None,
    xof: str | None = None,
) -> Waiting | None:
    """Count rows, sum their amounts and find the oldest, in one statement that reads 1,001 at most; None for no rows.

    In no order: an index finds the rows, and none is sorted. Francs are given only where every row has them.
    """
    sums: dict[str, Any] = {"count": Count("pk"), "since": Min(since)}
    if msat is not None:
        sums["msat"] = Sum(msat)
    if xof is not None:
        sums |= {"xof": Sum(xof), "in_francs": Count(xof)}
    found = rows.order_by()[: COUNTED_AT_MOST + 1].aggregate(**sums)
    if not found["count"]:
        return None
    is_in_francs = found.get("in_francs") == found["count"]
    amount = Amount(found.get("msat"), int(found["xof"]) if is_in_francs else None)
    return Waiting(found["count"], amount if amount != Amount() else None, found["since"])


def inbox_of(user: User, *, now: datetime) -> Inbox:
    """Return what waits for a person and what they are informed of, each the most urgent first."""
    held = set(user.groups.values_list("name", flat=True))
    to_do: list[Notice] = []
    informed: list[Notice] = []
    for item in collect("backoffice", "INBOX"):
        if item.permission and not user.has_perm(item.permission):
            continue
        found = item.read(user, now) or ()
        for notice in (found,) if isinstance(found, Notice) else found:
            acts = user.is_superuser or not item.roles or held & {role.value for role in item.roles}
            (to_do if acts and notice.tone != CALM else informed).append(_for(user, notice))
    return Inbox(_most_urgent_first(to_do), _most_urgent_first(informed))


def notices_for(user: User, *, now: datetime) -> list[Notice]:
    """Return all notices that a person may see, what waits for them first."""
    found = inbox_of(user, now=now)
    return [*found.to_do, *found.informed]


def _most_urgent_first(notices: Sequence[Notice]) -> list[Notice]:
    return sorted(notices, key=lambda notice: TONES.index(notice.tone))


def _for(user: User, notice: Notice) -> Notice:
    """Leave out the next steps that this person may not take."""
    return replace(notice, rows=[_with_steps_of(user, row) for row in notice.rows])


def _with_steps_of(user: User, row: Row) -> Row:
    if row.step is None or not row.step.permission or user.has_perm(row.step.permission):
        return row
    return replace(row, step=None)
