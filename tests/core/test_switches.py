"""The outgoing switch: one person pauses it, two people resume it."""

from datetime import datetime, timedelta

import pytest
from django.core.management import call_command

from sunusav.core.actors import Actor
from sunusav.core.approvables import OUTGOING_RESUME
from sunusav.core.approvals import ProposalFactsChanged, approve, propose
from sunusav.core.models import Switch, TrailEntry
from sunusav.core.roles import Role
from sunusav.core.switches import (
    OutgoingNotPaused,
    OutgoingPaused,
    describe_resume,
    outgoing,
    pause_outgoing,
    require_outgoing_open,
    resume_outgoing,
)
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db

AUDITOR = Actor.system("ledger.auditor")


def test_outgoing_is_open_until_it_is_paused() -> None:
    require_outgoing_open()
    assert outgoing().is_open
    assert not Switch.objects.exists()


def test_pause_refuses_payments_and_states_the_reason(actor: Actor, now: datetime) -> None:
    pause_outgoing(actor=actor, reason="odd node", now=now)
    with pytest.raises(OutgoingPaused) as refusal:
        require_outgoing_open()
    assert refusal.value.facts == {"reason": "odd node", "paused_at": now}
    entry = TrailEntry.objects.get()
    assert (entry.subject, entry.from_state, entry.to_state) == ("switch:outgoing", "open", "paused")


def test_pausing_again_for_another_reason_adds_it(actor: Actor, now: datetime) -> None:
    later = now + timedelta(hours=1)
    pause_outgoing(actor=actor, reason="odd node", now=now)
    pause_outgoing(actor=AUDITOR, reason="audit: 2 breaches", now=later)
    switch = outgoing()
    assert (switch.reason, switch.changed_by) == ("odd node | audit: 2 breaches", AUDITOR.label)
    assert (switch.is_open, switch.changed_at) == (False, later)
    lines = TrailEntry.objects.order_by("id").values_list("from_state", "to_state", "reason", "actor_label")
    assert list(lines) == [
        ("open", "paused", "odd node", actor.label),
        ("paused", "paused", "audit: 2 breaches", AUDITOR.label),
    ]


@pytest.mark.parametrize("reason", ["odd node", "x" * 2_000], ids=["short", "cut to the column"])
def test_pausing_again_for_the_same_reason_changes_nothing(actor: Actor, now: datetime, reason: str) -> None:
    later = now + timedelta(hours=1)
    pause_outgoing(actor=actor, reason=reason, now=now)
    pause_outgoing(actor=actor, reason=reason, now=later)
    assert (outgoing().reason, outgoing().changed_at) == (reason[:500], now)
    pause_outgoing(actor=AUDITOR, reason=reason, now=later)
    paused = outgoing()
    assert (paused.changed_by, paused.changed_at) == (AUDITOR.label, later)
    pause_outgoing(actor=AUDITOR, reason=reason, now=later + timedelta(hours=1))
    assert (outgoing().reason, outgoing().changed_at) == (paused.reason, later)
    assert TrailEntry.objects.count() == 2


def test_added_reasons_stay_in_the_column_and_the_newest_is_readable(actor: Actor, now: datetime) -> None:
    pause_outgoing(actor=actor, reason="a" * 600, now=now)
    pause_outgoing(actor=actor, reason="b" * 600, now=now)
    assert outgoing().reason == "a" * 257 + " | " + "b" * 240
    pause_outgoing(actor=actor, reason="node", now=now)
    assert outgoing().reason == ("a" * 257 + " | " + "b" * 233) + " | node"


def test_resume_proposed_before_another_reason_can_no_longer_be_approved(now: datetime) -> None:
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    pause_outgoing(actor=Actor.of(proposer), reason="odd node", now=now)
    proposal = propose(kind=OUTGOING_RESUME, subject_id="outgoing", proposer=proposer, now=now)
    pause_outgoing(actor=AUDITOR, reason="audit: 2 breaches", now=now)
    with pytest.raises(ProposalFactsChanged):
        approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=now)
    assert not outgoing().is_open


def test_add_reason_while_a_resume_is_approved_keeps_outgoing_paused(now: datetime) -> None:
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    pause_outgoing(actor=Actor.of(proposer), reason="odd node", now=now)
    proposal = propose(kind=OUTGOING_RESUME, subject_id="outgoing", proposer=proposer, now=now)
    pause_outgoing(actor=AUDITOR, reason="audit: 2 breaches", now=now)
    with pytest.raises(ProposalFactsChanged):
        resume_outgoing(proposal, Actor.of(approver), now)
    assert not outgoing().is_open


def test_long_reason_is_cut_to_the_column(actor: Actor, now: datetime) -> None:
    pause_outgoing(actor=actor, reason="x" * 2_000, now=now)
    assert len(outgoing().reason) == 500


def test_resume_of_what_is_open_cannot_be_described() -> None:
    with pytest.raises(OutgoingNotPaused):
        describe_resume("outgoing")


def test_command_pauses(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("pause_outgoing", "odd", "node")
    assert not outgoing().is_open
    assert "odd node" in capsys.readouterr().out
    assert outgoing().changed_by == "system:pause_outgoing"
