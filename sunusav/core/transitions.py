"""The one way a state changes: an allowed edge, a compare-and-set, a line in the trail."""

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
    """Somebody else moved it between the read and the write."""

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
    """Move `row.state` along an allowed edge and append it to the trail, in the caller's transaction.

    `along` goes into the trail before it, in the same insert.
    The caller holds the row's lock; the UPDATE names the expected state all the same.
    Raises: TransitionNotAllowed, StateChanged.
    """
    from_state = _left(row, to_state, allowed=allowed, subject=subject)
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
    """Move many rows of one state along one edge, in one UPDATE and one insert into the trail; all or none.

    `among` finds them as long as they are as the caller believes; no lock is needed before.
    Raises: TransitionNotAllowed, StateChanged when some are not; the caller's transaction is then rolled back.
    """
    lines, from_state = [], ""
    for row in rows:
        subject = subject_of(row.pk)
        from_state = _left(row, to_state, allowed=allowed, subject=subject)
        lines.append(trail.TrailFact(subject, action, actor, at, from_state, str(to_state)))
    with transaction.atomic(savepoint=False):
        if among.filter(state=from_state).update(state=to_state, **fields) != len(rows):
            raise StateChanged(subject=lines[0].subject, expected_state=from_state)
        trail.record_all([*along, *lines])


def _left(row: models.Model, to_state: str, *, allowed: Transitions, subject: str) -> str:
    """Return the state that a row leaves by an allowed edge. Raises: TransitionNotAllowed."""
    from_state = str(row.state)  # type: ignore[attr-defined]
    if to_state not in allowed.get(from_state, frozenset()):
        raise TransitionNotAllowed(subject=subject, from_state=from_state, to_state=str(to_state))
    return from_state
