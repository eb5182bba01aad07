"""Two people decide: proposing, approving, rejecting and withdrawing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, connections, transaction

from sunusav.core import approvables
from sunusav.core.actors import Actor
from sunusav.core.approvals import (
    ApproverDecidedAlready,
    ApproverIsProposer,
    NotAllowedToDecide,
    NotTheProposer,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    ProposalMissing,
    ProposalNotOpen,
    RejectionNeedsReason,
    approvable,
    approve,
    digest_of,
    open_proposal,
    propose,
    reject,
    withdraw,
)
from sunusav.core.auditing import OUT_OF_ORDER, AuditScope
from sunusav.core.invariants import INVARIANTS
from sunusav.core.models import Approval, Proposal, ProposalState, Switch, TrailEntry, User
from sunusav.core.roles import Role, sync_roles
from sunusav.core.switches import outgoing, pause_outgoing
from tests.factories.users import make_user
from tests.support.triggers import refusing_inserts, without_triggers

pytestmark = pytest.mark.django_db

KIND, SUBJECT = "outgoing_resume", "outgoing"


@pytest.fixture(autouse=True)
def paused(db: None, now: datetime) -> None:
    pause_outgoing(actor=Actor.system("test"), reason="odd node", now=now)


@pytest.fixture
def proposer() -> User:
    return make_user(Role.FINANCE)


@pytest.fixture
def approver() -> User:
    return make_user(Role.APPROVER)


@pytest.fixture
def proposal(proposer: User, now: datetime) -> Proposal:
    return propose(kind=KIND, subject_id=SUBJECT, proposer=proposer, now=now, reason="healthy")


def _approve(proposal: Proposal, approver: User, now: datetime, **changed: Any) -> Proposal:
    call = {"proposal_id": proposal.pk, "approver": approver, "digest": proposal.digest, "now": now}
    return approve(**{**call, **changed})


def _assert_undecided(proposal: Proposal) -> None:
    proposal.refresh_from_db()
    assert proposal.state == ProposalState.OPEN
    assert not Approval.objects.exists()
    assert not outgoing().is_open


# Proposing


def test_propose_shows_the_facts_and_binds_a_digest_to_them(
    proposal: Proposal, proposer: User, now: datetime
) -> None:
    assert proposal.facts == {
        "switch": "outgoing", "paused_at": now.isoformat(), "paused_by": "system:test", "pause_reason": "odd node",
    }  # fmt: skip
    assert proposal.digest == digest_of(KIND, SUBJECT, proposal.facts)
    entry = TrailEntry.objects.get(action="propose")
    assert (entry.subject, entry.actor, entry.facts["digest"]) == (
        "outgoing_resume:outgoing", proposer, proposal.digest,
    )  # fmt: skip
    assert open_proposal(KIND, SUBJECT) == proposal


def test_propose_without_the_permission_is_refused(approver: User, now: datetime) -> None:
    with pytest.raises(NotAllowedToDecide) as refusal:
        propose(kind=KIND, subject_id=SUBJECT, proposer=approver, now=now)
    assert refusal.value.facts == {"permission": "core.propose_resume_outgoing"}
    assert not Proposal.objects.exists()


def test_propose_twice_is_refused_naming_the_open_one(proposal: Proposal, now: datetime) -> None:
    with pytest.raises(ProposalAlreadyOpen) as refusal:
        propose(kind=KIND, subject_id=SUBJECT, proposer=make_user(Role.FINANCE), now=now)
    assert refusal.value.facts == {"kind": KIND, "subject_id": SUBJECT, "proposal_id": str(proposal.pk)}
    assert Proposal.objects.count() == 1


def test_propose_after_the_facts_changed_lets_the_stale_one_lapse(
    proposal: Proposal, proposer: User, approver: User, now: datetime
) -> None:
    Switch.objects.update(reason="another reason", changed_at=now + timedelta(minutes=1))

    fresh = propose(kind=proposal.kind, subject_id=proposal.subject_id, proposer=proposer, now=now)

    proposal.refresh_from_db()
    assert (proposal.state, fresh.state) == ("withdrawn", "open")
    entry = TrailEntry.objects.get(action="lapse")
    cause = "what_it_showed_has_changed"
    assert entry.facts == {"proposal": proposal.pk, "digest": proposal.digest, "cause": cause}
    _approve(fresh, approver, now)
    fresh.refresh_from_db()
    assert fresh.state == "approved"


@pytest.mark.django_db(transaction=True)
def test_propose_whose_trail_line_cannot_be_written_leaves_no_proposal(proposer: User, now: datetime) -> None:
    with refusing_inserts(connection, "core_trailentry"), pytest.raises(DatabaseError, match="takes no rows"):
        propose(kind=KIND, subject_id=SUBJECT, proposer=proposer, now=now)
    assert not Proposal.objects.exists()


def test_every_kind_has_its_approvable() -> None:
    assert approvable(KIND).propose_permission != approvable(KIND).approve_permission
    with pytest.raises(StopIteration):
        approvable("nonsense")


# Approving


def test_approve_by_another_applies_the_proposal(proposal: Proposal, approver: User, now: datetime) -> None:
    done = _approve(proposal, approver, now)
    assert (done.state, done.decided_at) == (ProposalState.APPROVED, now)
    assert outgoing().is_open
    given = Approval.objects.get()
    assert (given.proposer_id, given.approver, given.digest, given.is_approved) == (
        proposal.proposer_id, approver, proposal.digest, True,
    )  # fmt: skip
    assert list(TrailEntry.objects.order_by("id").values_list("action", flat=True)) == [
        "pause", "propose", "approve", "resume",
    ]  # fmt: skip


def test_proposer_cannot_approve_even_with_every_right(proposal: Proposal, now: datetime) -> None:
    User.objects.update(is_superuser=True)
    with pytest.raises(ApproverIsProposer):
        _approve(proposal, User.objects.get(pk=proposal.proposer_id), now)
    _assert_undecided(proposal)


def test_proposer_cannot_reject_their_own_either(proposal: Proposal, now: datetime) -> None:
    User.objects.update(is_superuser=True)
    with pytest.raises(ApproverIsProposer):
        reject(
            proposal_id=proposal.pk, approver=User.objects.get(pk=proposal.proposer_id), reason="x", now=now
        )
    _assert_undecided(proposal)


def test_approver_without_the_permission_is_refused(proposal: Proposal, now: datetime) -> None:
    with pytest.raises(NotAllowedToDecide) as refusal:
        _approve(proposal, make_user(Role.AUDITOR), now)
    assert refusal.value.facts == {"permission": "core.approve_resume_outgoing"}
    _assert_undecided(proposal)


def test_approver_who_lost_the_permission_is_refused(
    proposal: Proposal, approver: User, now: datetime
) -> None:
    approver.groups.clear()
    with pytest.raises(NotAllowedToDecide):
        _approve(proposal, User.objects.get(pk=approver.pk), now)
    _assert_undecided(proposal)


def test_approver_who_is_disabled_is_refused(proposal: Proposal, approver: User, now: datetime) -> None:
    User.objects.filter(pk=approver.pk).update(is_active=False)
    with pytest.raises(NotAllowedToDecide):
        _approve(proposal, User.objects.get(pk=approver.pk), now)
    _assert_undecided(proposal)


def test_superuser_who_is_another_person_may_approve(proposal: Proposal, now: datetime) -> None:
    assert _approve(proposal, make_user(is_superuser=True, is_service=False), now).state == "approved"


def test_approval_of_other_facts_than_shown_is_refused(
    proposal: Proposal, approver: User, now: datetime
) -> None:
    with pytest.raises(ProposalFactsChanged):
        _approve(proposal, approver, now, digest="0" * 64)
    _assert_undecided(proposal)


def test_approval_after_the_facts_changed_is_refused(
    proposal: Proposal, approver: User, now: datetime
) -> None:
    Switch.objects.update(reason="another pause")
    with pytest.raises(ProposalFactsChanged):
        _approve(proposal, approver, now)
    _assert_undecided(proposal)


def test_stored_facts_that_were_forged_with_their_digest_are_refused(
    proposal: Proposal, approver: User, now: datetime
) -> None:
    forged = {**proposal.facts, "pause_reason": "harmless"}
    Proposal.objects.update(facts=forged, digest=digest_of(KIND, SUBJECT, forged))
    with pytest.raises(ProposalFactsChanged):
        _approve(proposal, approver, now, digest=digest_of(KIND, SUBJECT, forged))
    _assert_undecided(proposal)


def test_proposal_that_is_missing_or_decided_is_refused(
    proposal: Proposal, approver: User, now: datetime
) -> None:
    with pytest.raises(ProposalMissing):
        _approve(proposal, approver, now, proposal_id=proposal.pk + 1)
    _approve(proposal, approver, now)
    with pytest.raises(ProposalNotOpen) as refusal:
        _approve(proposal, make_user(Role.APPROVER), now)
    assert refusal.value.facts == {"proposal_id": str(proposal.pk), "proposal_state": "approved"}
    assert Approval.objects.count() == 1


def test_two_approvals_needed_take_two_people(proposal: Proposal, approver: User, now: datetime) -> None:
    Proposal.objects.update(approvals_needed=2)
    assert _approve(proposal, approver, now).state == ProposalState.OPEN
    assert not outgoing().is_open
    with pytest.raises(ApproverDecidedAlready):
        _approve(proposal, approver, now)
    assert _approve(proposal, make_user(Role.APPROVER), now).state == ProposalState.APPROVED
    assert outgoing().is_open


def test_decision_that_cannot_be_applied_leaves_nothing(
    proposal: Proposal, approver: User, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(approvables, "APPROVABLES", [replace(approvable(KIND), apply=fail)])
    with pytest.raises(RuntimeError):
        _approve(proposal, approver, now)
    _assert_undecided(proposal)
    assert not TrailEntry.objects.filter(action="approve").exists()


# Rejecting and withdrawing


def test_reject_keeps_the_reason_and_closes(proposal: Proposal, approver: User, now: datetime) -> None:
    assert reject(proposal_id=proposal.pk, approver=approver, reason="not yet", now=now).state == "rejected"
    assert (Approval.objects.get().reason, Approval.objects.get().is_approved) == ("not yet", False)
    assert not outgoing().is_open
    assert open_proposal(KIND, SUBJECT) is None


@pytest.mark.parametrize("reason", ["", "  "])
def test_reject_without_reason_is_refused(
    proposal: Proposal, approver: User, now: datetime, reason: str
) -> None:
    with pytest.raises(RejectionNeedsReason):
        reject(proposal_id=proposal.pk, approver=approver, reason=reason, now=now)
    _assert_undecided(proposal)


def test_withdraw_is_for_the_proposer(
    proposal: Proposal, proposer: User, approver: User, now: datetime
) -> None:
    with pytest.raises(NotTheProposer) as refusal:
        withdraw(proposal_id=proposal.pk, proposer=approver, now=now)
    assert refusal.value.facts == {"proposal_id": str(proposal.pk)}
    _assert_undecided(proposal)
    assert withdraw(proposal_id=proposal.pk, proposer=proposer, now=now).state == "withdrawn"
    with pytest.raises(ProposalNotOpen):
        _approve(proposal, approver, now)


def test_subject_may_be_proposed_again_once_decided(
    proposal: Proposal, proposer: User, now: datetime
) -> None:
    for _ in range(3):
        withdraw(proposal_id=Proposal.objects.latest("pk").pk, proposer=proposer, now=now)
        propose(kind=KIND, subject_id=SUBJECT, proposer=proposer, now=now)
    assert Proposal.objects.count() == 4


def test_store_open_proposals_whose_subjects_differ_in_capitals_is_allowed(proposal: Proposal) -> None:
    Proposal.objects.create(
        kind=KIND, subject_id=SUBJECT.upper(), facts={}, digest="d", proposer_id=proposal.proposer_id,
        proposed_at=proposal.proposed_at, band=proposal.band,
    )  # fmt: skip

    assert Proposal.objects.exclude(open_subject=None).count() == 2


def test_approvals_of_another_digest_do_not_count(proposal: Proposal, approver: User, now: datetime) -> None:
    """Two are needed. Of the three given, one was for what the proposal does not say."""
    Proposal.objects.filter(pk=proposal.pk).update(approvals_needed=2)
    Approval.objects.create(
        proposal=proposal, proposer_id=proposal.proposer_id, approver=make_user(Role.APPROVER), digest="other",
        is_approved=True, decided_at=now,
    )  # fmt: skip

    assert _approve(proposal, approver, now).state == ProposalState.OPEN
    assert not outgoing().is_open
    assert _approve(proposal, make_user(Role.APPROVER), now).state == ProposalState.APPROVED
    assert outgoing().is_open


# The audit


def _four_eyes_breaches(now: datetime, since: datetime | None = None) -> list[str]:
    [rule] = [rule for rule in INVARIANTS if rule.title.startswith("four eyes")]
    return [f"{breach.subject}: {breach.detail}" for breach in rule.find(AuditScope(now=now, since=since))]


def test_audit_of_correct_approvals_finds_nothing(proposal: Proposal, approver: User, now: datetime) -> None:
    _approve(proposal, approver, now)
    assert _four_eyes_breaches(now) == []


def test_audit_finds_a_proposal_approved_by_nobody(proposal: Proposal, now: datetime) -> None:
    Proposal.objects.update(state="approved", decided_at=now)
    assert _four_eyes_breaches(now) == [f"proposal:{proposal.pk}: 0 approvals of 1"]


@pytest.mark.django_db(transaction=True)
def test_fast_audit_looks_at_recent_decisions_only(proposal: Proposal, approver: User, now: datetime) -> None:
    _approve(proposal, approver, now)
    other = make_user()
    with without_triggers(connection):
        Approval.objects.update(proposer=other, digest="other")
    assert len(_four_eyes_breaches(now)) == len(_four_eyes_breaches(now, since=now)) == 2
    assert _four_eyes_breaches(now, since=now + timedelta(seconds=1)) == []


def test_fast_audit_sees_a_recent_decision_on_an_old_proposal(proposal: Proposal, now: datetime) -> None:
    """More proposals than a fast audit reads at the end of a long table were made and decided since."""
    decided = {"state": "approved", "decided_at": now - timedelta(days=2), "approvals_needed": 1}
    later = [
        Proposal(
            kind=KIND, subject_id=f"later-{number}", facts={}, digest="d", proposer_id=proposal.proposer_id,
            proposed_at=proposal.proposed_at, band=proposal.band, **decided,
        )
        for number in range(OUT_OF_ORDER + 1)
    ]  # fmt: skip
    Proposal.objects.bulk_create(later)
    Proposal.objects.filter(pk=proposal.pk).update(state="approved", decided_at=now)

    found = _four_eyes_breaches(now, since=now - timedelta(days=1))

    assert found == [f"proposal:{proposal.pk}: 0 approvals of 1"]


@pytest.mark.django_db(transaction=True)
def test_audit_finds_an_untrue_copy_of_the_proposer(
    proposal: Proposal, approver: User, now: datetime
) -> None:
    _approve(proposal, approver, now)
    other = make_user()
    with without_triggers(connection):
        Approval.objects.update(proposer=other)
    [breach] = _four_eyes_breaches(now)
    assert "the proposer copy is untrue" in breach


# Concurrency


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_many_approvers_at_once_decide_once(proposal: Proposal, now: datetime) -> None:
    approvers = [make_user(Role.APPROVER) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda approver: _outcome(proposal, approver, now), approvers))
    assert sorted(results) == ["approved", *["proposal-not-open"] * 7]
    assert Approval.objects.count() == TrailEntry.objects.filter(action="resume").count() == 1


def _outcome(proposal: Proposal, approver: User, now: datetime) -> str:
    try:
        return str(_approve(proposal, approver, now).state)
    except ProposalNotOpen as refusal:
        return refusal.code
    finally:
        connections.close_all()


@pytest.fixture
def permissions() -> list[Permission]:
    return list(Permission.objects.filter(codename__endswith="resume_outgoing"))


def test_proposing_and_approving_are_held_by_no_role_together(permissions: list[Permission]) -> None:
    sync_roles()
    holders = [set(permission.group_set.values_list("name", flat=True)) for permission in permissions]
    assert len(holders) == 2
    assert holders[0] & holders[1] == set()


def test_approving_late_is_as_good(proposal: Proposal, approver: User, now: datetime) -> None:
    assert _approve(proposal, approver, now + timedelta(days=30)).decided_at == now + timedelta(days=30)


def test_deleting_who_took_part_is_refused(proposal: Proposal) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        User.objects.get(pk=proposal.proposer_id).delete()
