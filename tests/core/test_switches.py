"""The outgoing switch: one closes it, two open it."""

from datetime import datetime, timedelta

import pytest
from django.core.management import call_command

from sunusav.core.actors import Actor
from sunusav.core.models import Switch, TrailEntry
from sunusav.core.switches import (
    OutgoingNotPaused,
    OutgoingPaused,
    describe_resume,
    outgoing,
    pause_outgoing,
    require_outgoing_open,
)

pytestmark = pytest.mark.django_db


def test_outgoing_is_open_until_somebody_closes_it() -> None:
    require_outgoing_open()
    assert outgoing().is_open
    assert not Switch.objects.exists()


def test_pause_refuses_what_would_go_out_and_says_why(actor: Actor, now: datetime) -> None:
    pause_outgoing(actor=actor, reason="odd node", now=now)
    with pytest.raises(OutgoingPaused) as refusal:
        require_outgoing_open()
    assert refusal.value.facts == {"reason": "odd node", "paused_at": now}
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.from_state, entry.to_state) == ("switch:outgoing", "open", "paused")


def test_pausing_again_keeps_the_first_reason(actor: Actor, now: datetime) -> None:
    pause_outgoing(actor=actor, reason="first", now=now)
    pause_outgoing(actor=actor, reason="second", now=now + timedelta(hours=1))
    assert (outgoing().reason, outgoing().changed_at) == ("first", now)
    assert TrailEntry.objects.count() == 1


def test_long_reason_is_cut_to_the_column(actor: Actor, now: datetime) -> None:
    pause_outgoing(actor=actor, reason="x" * 2_000, now=now)
    assert len(outgoing().reason) == 500


def test_resume_of_what_is_open_cannot_be_described() -> None:
    with pytest.raises(OutgoingNotPaused):
        describe_resume("outgoing")


def test_command_pauses(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("pause_outgoing", "odd node")
    assert not outgoing().is_open
    assert "odd node" in capsys.readouterr().out
    assert outgoing().changed_by == "system:pause_outgoing"
