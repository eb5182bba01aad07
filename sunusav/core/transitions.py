"""The one way a state changes: an allowed transition, a compare-and-set, an entry in the trail."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import QuerySet

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.errors import Conflict

Transitions = Mapping[str, frozenset[str]]
Row = TypeVar("Row", bound=models.Model)


class TransitionNotAllowed(Conflict):
    subject: str
    from_state: str
    to_state: str


class StateChanged(Conflict):
    """The row changed state between the read and the write."""

    subject: str
    expected_state: str


def move(
    row: models.Model,
    to_state: str,
    *,
    allowed: Transitions,
    subject: str,
    action: str,
    actor: Actor,
    at: datetime,
    reason: str = "",
    facts: dict[str, Any] | None = None,
    along: Sequence[trail.TrailFact] = (),
    **fields: Any,
) -> None:
    """Change `row.state` by an allowed transition and append it to the trail, in the caller's transaction.

    `along` are entries that go into the trail before it, in the same insert.
    The caller holds the row's lock; the UPDATE compares the expected state nevertheless.
    Raises: TransitionNotAllowed, StateChanged.
    """
    from_state = _from_state(row, to_state, allowed=allowed, subject=subject)
    line = trail.TrailFact(subject, action, actor, at, from_state, str(to_state), reason, facts or {})
    with transaction.atomic(savepoint=False):
        manager = type(row)._default_manager
        changed = manager.filter(pk=row.pk, state=from_state).update(state=to_state, **fields)
        if changed == 1:
            trail.record_all([*along, line])
    # Outside the block: nothing was written, so the refusal must not mark the caller's transaction as broken.
    if changed != 1:
        raise StateChanged(subject=subject, expected_state=from_state)
    for name, value in {"state": to_state, **fields}.items():
        setattr(row, name, value)


def move_all(
    rows: Sequence[Row],
    to_state: str,
    *,
    among: QuerySet[Row],
    allowed: Transitions,
    subject_of: Callable[[int], str],
    action: str,
    actor: Actor,
    at: datetime,
    along: Sequence[trail.TrailFact] = (),
    **fields: Any,
) -> None:
    """Change the state of many rows alike, in one UPDATE and one insert into the trail; all or none.

    `among` selects these rows while they are in the state that the caller expects; no lock is needed before.
    Raises: TransitionNotAllowed, StateChanged when some have changed; the caller's transaction is then rolled back.
    """
    lines, from_state = [], ""
    for row in rows:
        subject = subject_of(row.pk)
        from_state = _from_state(row, to_state, allowed=allowed, subject=subject)
        lines.append(trail.TrailFact(subject, action, actor, at, from_state, str(to_state)))
    with transaction.atomic(savepoint=False):
        if among.filter(state=from_state).update(state=to_state, **fields) != len(rows):
            raise StateChanged(subject=lines[0].subject, expected_state=from_state)
        trail.record_all([*along, *lines])


def _from_state(row: models.Model, to_state: str, *, allowed: Transitions, subject: str) -> str:
    """Return the present state, if the transition is allowed. Raises: TransitionNotAllowed."""
    from_state = str(row.state)  # type: ignore[attr-defined]
    if to_state not in allowed.get(from_state, frozenset()):
        raise TransitionNotAllowed(subject=subject, from_state=from_state, to_state=str(to_state))
    return from_state
