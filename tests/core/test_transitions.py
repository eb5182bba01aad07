"""A state moves along an allowed edge, once, and the trail says so."""

from datetime import datetime
from typing import Any

import pytest

from sunusav.core.actors import Actor
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.transitions import StateChanged, TransitionNotAllowed, move
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db

ALLOWED = {"open": frozenset({"withdrawn", "rejected"})}


@pytest.fixture
def proposal(now: datetime) -> Proposal:
    return Proposal.objects.create(
        kind="k", subject_id="s", facts={}, digest="d", proposer=make_user(), proposed_at=now
    )


def _move(row: Proposal, to_state: str, now: datetime, **more: Any) -> None:
    move(
        row, to_state, allowed=ALLOWED, subject="proposal:s", action="withdraw", actor=Actor.system("test"), at=now,
        decided_at=now, **more,
    )  # fmt: skip


def test_move_changes_the_row_the_object_and_the_trail(proposal: Proposal, now: datetime) -> None:
    _move(proposal, "withdrawn", now, reason="why", facts={"a": 1})
    assert (proposal.state, proposal.decided_at) == ("withdrawn", now)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_at) == ("withdrawn", now)
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.action, entry.from_state, entry.to_state) == (
        "proposal:s", "withdraw", "open", "withdrawn",
    )  # fmt: skip
    assert (entry.actor_id, entry.actor_label, entry.reason, entry.facts) == (
        None,
        "system:test",
        "why",
        {"a": 1},
    )


@pytest.mark.parametrize("to_state", ["approved", "open", "nonsense"])
def test_move_along_an_edge_that_does_not_exist_is_refused(
    proposal: Proposal, now: datetime, to_state: str
) -> None:
    with pytest.raises(TransitionNotAllowed) as refusal:
        _move(proposal, to_state, now)
    assert refusal.value.facts == {"subject": "proposal:s", "from_state": "open", "to_state": to_state}
    _assert_untouched(proposal)


def test_move_from_a_final_state_is_refused(proposal: Proposal, now: datetime) -> None:
    _move(proposal, "withdrawn", now)
    with pytest.raises(TransitionNotAllowed):
        _move(proposal, "rejected", now)
    assert TrailEntry.objects.count() == 1


def test_move_of_a_row_that_somebody_moved_meanwhile_is_refused(proposal: Proposal, now: datetime) -> None:
    _move(Proposal.objects.get(pk=proposal.pk), "withdrawn", now)
    with pytest.raises(StateChanged) as refusal:
        _move(proposal, "rejected", now)
    assert refusal.value.facts == {"subject": "proposal:s", "expected_state": "open"}
    assert Proposal.objects.get().state == "withdrawn"
    assert TrailEntry.objects.count() == 1


def _assert_untouched(proposal: Proposal) -> None:
    proposal.refresh_from_db()
    assert proposal.state == "open"
    assert not TrailEntry.objects.exists()
