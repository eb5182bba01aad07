"""State changes of attempts: each along `ATTEMPT_TRANSITIONS`, each recorded in the trail of its disbursement."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from sunusav.core.trail import TrailFact
from sunusav.core.transitions import move
from transfers.engine.claims import ENGINE
from transfers.enums import ATTEMPT_TRANSITIONS, AttemptState
from transfers.models import Attempt
from transfers.queries import subject_of


def move_attempt(
    attempt: Attempt, state: AttemptState, *, action: str, now: datetime, facts: dict[str, Any] | None = None,
    **fields: Any,
) -> None:  # fmt: skip
    """Move one attempt in the caller's transaction; the caller holds its lock. Raises: TransitionNotAllowed."""
    move(
        attempt, state, allowed=ATTEMPT_TRANSITIONS, subject=subject_of(attempt.disbursement_id), action=action,
        actor=ENGINE, at=now, facts={"attempt": attempt.number, **(facts or {})}, **fields,
    )  # fmt: skip


def attempts_allowed_to_become(state: AttemptState) -> QuerySet[Attempt]:
    """Return the attempts that `ATTEMPT_TRANSITIONS` allows to move to a state.

    For an UPDATE that gives each attempt its own values (its proof, its cost), which `move_all` cannot.
    """
    from_states = [before for before, after in ATTEMPT_TRANSITIONS.items() if state in after]
    return Attempt.objects.filter(state__in=from_states)


def attempt_entry(attempt: Attempt, action: str, state: str, now: datetime, **facts: str) -> TrailFact:
    """Return the trail entry of an attempt that moves from its present state, or is opened."""
    from_state = "" if action == "open_attempt" else attempt.state
    facts_of_attempt = {"attempt": attempt.number, **facts}
    subject = subject_of(attempt.disbursement_id)
    return TrailFact(subject, action, ENGINE, now, from_state, state, facts=facts_of_attempt)


def locked_attempt(attempt: Attempt) -> Attempt:
    """Return an attempt as it is stored now, under its lock. Its order never changes and is not read again."""
    fresh = Attempt.objects.select_for_update().get(pk=attempt.pk)
    fresh.order = attempt.order
    return fresh
