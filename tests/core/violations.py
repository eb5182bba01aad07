"""Rows that break the constraints of accounts, proposals and approvals."""

from datetime import UTC, datetime

from sunusav.core.actors import Actor
from sunusav.core.approvals import propose
from sunusav.core.models import Approval, LookupToken, PersonKey, Proposal, TrailSeal
from sunusav.core.privacy import seal
from sunusav.core.roles import Role
from sunusav.core.switches import pause_outgoing
from sunusav.core.trail import seal_trail
from tests.factories.users import make_user
from tests.support.constraints import Violation

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def proposal() -> Proposal:
    pause_outgoing(actor=Actor.system("test"), reason="odd node", now=NOW)
    return propose(kind="outgoing_resume", subject_id="outgoing", proposer=make_user(Role.FINANCE), now=NOW)


def approval() -> Approval:
    proposed = proposal()
    return Approval.objects.create(
        proposal=proposed, proposer_id=proposed.proposer_id, approver=make_user(Role.APPROVER),
        digest=proposed.digest, is_approved=True, decided_at=NOW,
    )  # fmt: skip


def trail_seal() -> TrailSeal:
    proposal()
    seal_trail(now=NOW)
    return TrailSeal.objects.earliest("seq")


def person_key() -> PersonKey:
    seal("member:user-1", "Awa Ndiaye")
    return PersonKey.objects.get()


def lookup_token() -> LookupToken:
    return LookupToken.objects.create(subject="member:user-1", token="ab" * 16)


VIOLATIONS = [
    Violation("user_service_is_not_staff", make_user, {"is_service": True, "is_staff": True}),
    Violation("core_user.username", make_user, {}),
    Violation("proposal_one_open_per_subject", proposal, {}),
    Violation("proposal_decided_when_not_open", proposal, {"state": "approved"}),
    Violation("proposal_decided_when_not_open", proposal, {"decided_at": NOW}),
    Violation("proposal_needs_an_approval", proposal, {"approvals_needed": 0}),
    Violation("proposal_outcome_seen_once_decided", proposal, {"outcome_seen_at": NOW}),
    Violation("approval_four_eyes", approval, lambda row: {"approver_id": row.proposer_id}),
    Violation("approval_one_per_approver", approval, {}),
    Violation("approval_rejection_has_reason", approval, {"is_approved": False}),
    Violation("core_trailseal.entry_id", trail_seal, lambda row: {"seq": row.seq + 1_000}),
    Violation("core_personkey.person_ref", person_key, {}),
    Violation("lookuptoken_once_per_subject", lookup_token, {}),
]
