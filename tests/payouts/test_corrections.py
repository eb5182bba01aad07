"""Finance proposes to correct a member's name or phone, and another person approves it; neither is kept in clear."""

import json
from datetime import timedelta
from typing import Any

import pytest

from payouts.errors import CorrectionChangesNothing, MemberMissing
from payouts.models import Member, ProposedCorrection
from payouts.queries.people import known_names, known_phones, person
from payouts.services.corrections import propose_correction
from payouts.services.erasure import propose_erasure
from payouts.services.exports import export_person
from payouts.services.members import add_member, change_member
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    approve,
)
from sunusav.core.models import Approval, Proposal, TrailEntry, User
from sunusav.core.privacy import PersonErased, seal
from sunusav.core.roles import Role
from tests.factories.payouts import ACTOR, NOW, make_group
from tests.factories.users import make_user
from tests.payouts.unchanged import nothing_changes

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
NAME, PHONE = "Fatou Diop", "+221770000009"


def proposed(proposer: User | None = None, /, **values: str) -> Proposal:
    proposer = proposer or make_user(Role.FINANCE)
    values = values or {"display_name": NAME, "phone": PHONE}
    return propose_correction(
        user_id="user-0", **values, reason="identity card seen", proposer=proposer, now=NOW
    )


def approved(proposal: Proposal, approver: User | None = None) -> None:
    approver = approver or make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=LATER)


def stored() -> tuple[set[str], set[str]]:
    return known_names("user-0"), known_phones("user-0")


def test_name_and_phone_are_corrected_in_all_groups_once_approved() -> None:
    make_group(members=2)
    make_group(members=1)
    proposal = proposed()
    assert stored() == ({"Awa Ndiaye"}, {"+221771234567"})

    approved(proposal)

    assert stored() == ({NAME}, {PHONE})
    assert known_names("user-1") == {"Awa Ndiaye"}
    assert person("user-0").phone_replaced_at == LATER
    entry = TrailEntry.objects.get(action="change_member")
    assert (entry.subject, entry.reason, entry.actor_label.partition("-")[0]) == (
        "member:user-0", "", "approver",
    )  # fmt: skip
    assert entry.facts == {
        "name_changed": True, "phone_changed": True, "phone_replaced": True, "proposal": proposal.pk,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "after"),
    [
        ({"display_name": NAME}, ({NAME}, {"+221771234567"})),
        ({"phone": PHONE}, ({"Awa Ndiaye"}, {PHONE})),
        ({"display_name": "Awa Ndiaye", "phone": PHONE}, ({"Awa Ndiaye"}, {PHONE})),
    ],
)
def test_what_is_not_corrected_stays(values: dict[str, str], after: Any) -> None:
    make_group(members=1)
    approved(proposed(**values))
    assert stored() == after


def test_neither_proposal_nor_trail_has_the_values() -> None:
    make_group(members=1)
    proposal = proposed()
    assert (proposal.facts["user_id"], proposal.facts["name_changes"], proposal.facts["phone_changes"]) == (
        "user-0", True, True,
    )  # fmt: skip
    approved(proposal)
    tables = (Proposal, Approval, TrailEntry, ProposedCorrection)
    kept = [row for table in tables for row in table._default_manager.values()]
    text = json.dumps([str(row) for row in kept])
    assert [value for value in (NAME, "Fatou", PHONE, "770000009") if value in text] == []


def test_correction_that_changes_nothing_is_refused() -> None:
    make_group(members=1)
    proposer = make_user(Role.FINANCE)
    for values in ({"display_name": "Awa Ndiaye"}, {"phone": "+221771234567"}, {"display_name": ""}):
        with nothing_changes(), pytest.raises(CorrectionChangesNothing) as refused:
            proposed(proposer, **values)
        assert refused.value.facts == {"user_id": "user-0"}


def test_nobody_and_the_erased_are_not_corrected() -> None:
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(MemberMissing):
        proposed(proposer)
    make_group(members=1)
    correction = proposed(proposer)
    approved(propose_erasure(user_id="user-0", reason="asked", proposer=proposer, now=NOW))
    approver = make_user(Role.APPROVER)
    with nothing_changes(), pytest.raises(PersonErased):
        approved(correction, approver)
    with nothing_changes(), pytest.raises(PersonErased):
        proposed(proposer)


def test_one_correction_of_a_person_is_open_at_a_time() -> None:
    make_group(members=1)
    proposed()
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(ProposalAlreadyOpen):
        proposed(proposer, display_name="Another")


@pytest.mark.parametrize("change", ["platform", "group"])
def test_person_who_has_changed_since_needs_another_proposal(change: str) -> None:
    make_group(members=1)
    proposal, approver = proposed(), make_user(Role.APPROVER)
    if change == "platform":
        change_member(user_id="user-0", display_name="Awa Fall", actor=ACTOR, now=NOW)
    else:
        other = make_group(members=0).pk
        add_member(group_id=other, user_id="user-0", display_name="Awa", actor=ACTOR, now=NOW)
    with nothing_changes(), pytest.raises(ProposalFactsChanged):
        approved(proposal, approver)


def test_correction_whose_values_were_replaced_is_not_applied() -> None:
    make_group(members=1)
    proposal, approver = proposed(), make_user(Role.APPROVER)
    ProposedCorrection.objects.create(
        user_id="user-0", sealed_name=seal("member:user-0", "Thief"), proposed_at=NOW
    )
    with nothing_changes(), pytest.raises(ProposalFactsChanged):
        approved(proposal, approver)
    assert Member.objects.count() == 1


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_only_finance_proposes_a_correction(role: Role) -> None:
    make_group(members=1)
    user = make_user(role)
    with nothing_changes(), pytest.raises(NotAllowedToDecide):
        proposed(user)


def test_proposer_cannot_approve_even_as_superuser() -> None:
    make_group(members=1)
    root = User.objects.create(username="root", is_superuser=True)
    proposal = proposed(root)
    with nothing_changes(), pytest.raises(ApproverIsProposer):
        approved(proposal, root)


def test_corrections_are_in_the_export_until_the_person_is_erased() -> None:
    make_group(members=1)
    proposer = make_user(Role.FINANCE)
    proposed(proposer)

    def exported() -> Any:
        document = export_person(user_id="user-0", reason="asked", actor=ACTOR, now=LATER)
        return json.loads(document)["sections"]

    assert [(row["name"], row["phone"]) for row in exported()["corrections"]] == [(NAME, PHONE)]
    assert [row["kind"] for row in exported()["proposals"]] == ["member_correction"]
    assert "propose" in {row["action"] for row in exported()["trail"]}
    approved(propose_erasure(user_id="user-0", reason="asked", proposer=proposer, now=NOW))
    assert [(row["name"], row["phone"]) for row in exported()["corrections"]] == [(None, None)]
