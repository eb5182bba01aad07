"""A state changes along an allowed edge, once, and the trail records it."""

from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from sunusav.core.actors import Actor
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.transitions import StateChanged, TransitionNotAllowed, move, move_all
from tests.factories.bands import first_band
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db

ALLOWED = {"open": frozenset({"withdrawn", "rejected"})}


@pytest.fixture
def proposal(now: datetime) -> Proposal:
    return Proposal.objects.create(
        kind="k",
        subject_id="s",
        facts={},
        digest="d",
        proposer=make_user(),
        proposed_at=now,
        band=first_band(),
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


def test_move_row_that_was_moved_in_the_meantime_is_refused(proposal: Proposal, now: datetime) -> None:
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


def _move_all(rows: list[Proposal], to_state: str, now: datetime) -> None:
    move_all(
        rows, to_state, among=Proposal.objects.filter(pk__in=[row.pk for row in rows], kind="k"), allowed=ALLOWED,
        subject_of=lambda pk: f"proposal:{pk}", action="withdraw", actor=Actor.system("test"), at=now, decided_at=now,
    )  # fmt: skip


def _proposals(now: datetime, *kinds: str) -> list[Proposal]:
    proposer = make_user()
    return [
        Proposal.objects.create(
            kind=kind,
            subject_id=f"s{number}",
            facts={},
            digest="d",
            proposer=proposer,
            proposed_at=now,
            band=first_band(),
        )
        for number, kind in enumerate(kinds)
    ]


def test_move_all_changes_every_row_and_the_trail(now: datetime) -> None:
    rows = _proposals(now, "k", "k", "k")

    _move_all(rows, "withdrawn", now)

    assert set(Proposal.objects.values_list("state", "decided_at")) == {("withdrawn", now)}
    recorded = TrailEntry.objects.order_by("id").values_list("subject", "action", "from_state", "to_state")
    assert list(recorded) == [(f"proposal:{row.pk}", "withdraw", "open", "withdrawn") for row in rows]


def test_move_all_with_one_that_changed_moves_none(now: datetime) -> None:
    rows = _proposals(now, "k", "k", "k")
    Proposal.objects.filter(pk=rows[1].pk).update(state="rejected", decided_at=now)

    with pytest.raises(StateChanged), transaction.atomic():
        _move_all(rows, "withdrawn", now)

    assert list(Proposal.objects.order_by("pk").values_list("state", flat=True)) == [
        "open",
        "rejected",
        "open",
    ]
    assert TrailEntry.objects.count() == 0


def test_move_all_with_one_that_is_not_among_them_moves_none(now: datetime) -> None:
    rows = _proposals(now, "k", "another kind")
    with pytest.raises(StateChanged), transaction.atomic():
        _move_all(rows, "withdrawn", now)
    assert set(Proposal.objects.values_list("state", flat=True)) == {"open"}


def test_move_all_along_an_edge_that_does_not_exist_is_refused(now: datetime) -> None:
    rows = _proposals(now, "k", "k")
    with pytest.raises(TransitionNotAllowed):
        _move_all(rows, "approved", now)
    assert set(Proposal.objects.values_list("state", flat=True)) == {"open"}
