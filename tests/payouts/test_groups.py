"""Groups, members, verification by two people."""

import pytest

from fees.errors import DiscountNotGranted
from payouts.approvables import GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION
from payouts.errors import (
    CountryWithoutPartner,
    GroupExists,
    GroupMissing,
    GroupNotVerified,
    GroupVerifiedAlready,
    MemberExists,
    PartnerServesElsewhere,
    PartnerUnknown,
)
from payouts.models import Group, Member
from payouts.queries.groups import group as group_facts
from payouts.queries.groups import groups_page, member, members_of
from payouts.services.groups import (
    change_group,
    create_group,
    propose_verification,
    propose_verification_revocation,
)
from payouts.services.members import add_member
from sunusav.core import approvals
from sunusav.core.actors import Actor
from sunusav.core.approvals import ApproverIsProposer, NotAllowedToDecide, ProposalFactsChanged
from sunusav.core.models import PersonKey, TrailEntry, User
from sunusav.core.privacy import erase
from sunusav.core.roles import Role
from tests.factories.payouts import ACTOR, NOW, make_group, make_payable_cycle, process, verify
from tests.factories.users import make_user
from tests.payouts.unchanged import nothing_changes
from transfers.models import Disbursement, Partner

pytestmark = pytest.mark.django_db


def _create(**fields: object) -> None:
    given = {"group_id": "g-1", "name": "Tontine", "country": "SN", **fields}
    create_group(**given, actor=ACTOR, now=NOW)  # type: ignore[arg-type]


def test_create_group_without_partner_gets_the_first_enabled_one_of_its_country() -> None:
    _create()
    _create(group_id="g-ci", country="CI")
    Partner.objects.filter(code="wave").update(is_enabled=False)
    _create(group_id="g-later")

    found = {row.pk: row.settlement_partner_id for row in Group.objects.all()}
    assert found == {"g-1": "wave", "g-ci": "wave", "g-later": "orange"}
    entry = TrailEntry.objects.get(subject="group:g-1")
    assert (entry.action, entry.facts) == ("create", {"country": "SN", "settlement_partner": "wave"})


def test_proposals_about_different_groups_are_open_side_by_side() -> None:
    """A proposal lapses when its own subject is proposed again otherwise, not when another one is."""
    proposer = make_user(Role.FINANCE)
    first, second = (
        propose_verification(
            group_id=make_group(members=1).pk, proposer=proposer, reason="papers seen", now=NOW
        )
        for _ in range(2)
    )

    first.refresh_from_db()
    assert (first.state, second.state) == ("open", "open")


def test_create_group_in_a_country_without_a_partner_is_refused() -> None:
    with nothing_changes(), pytest.raises(CountryWithoutPartner) as refused:
        _create(country="FR")
    assert refused.value.facts == {"country": "FR"}


def test_create_group_with_an_unknown_partner_is_refused() -> None:
    with nothing_changes(), pytest.raises(PartnerUnknown) as refused:
        _create(settlement_partner="Wave")
    assert refused.value.facts == {"settlement_partner": "Wave"}


def test_create_group_with_a_partner_of_another_country_is_refused() -> None:
    with nothing_changes(), pytest.raises(PartnerServesElsewhere) as refused:
        _create(settlement_partner="mtn")
    assert refused.value.facts == {"settlement_partner": "mtn", "country": "SN"}


def test_create_group_with_a_disabled_partner_is_refused() -> None:
    Partner.objects.filter(code="orange").update(is_enabled=False)
    with nothing_changes(), pytest.raises(PartnerServesElsewhere):
        _create(settlement_partner="orange")


def test_create_group_twice_is_refused() -> None:
    _create()
    with nothing_changes(), pytest.raises(GroupExists) as refused:
        _create(name="Another")
    assert refused.value.facts == {"group_id": "g-1"}


def test_group_identifiers_are_case_sensitive() -> None:
    _create(group_id="G-1")
    _create(group_id="g-1")

    assert {row.id for row in groups_page(None, 10, at=NOW)} == {"G-1", "g-1"}


def test_changed_group_settles_fees_with_its_new_partner_from_then_on() -> None:
    """The first payout was requested before the change: its fee accrues to the partner of then."""
    group = make_group(members=2, id="g-1")
    first, second = (make_payable_cycle(group, net_sats=19_800) for _ in range(2))
    before = process(first)

    change_group(group_id="g-1", name="Tontine Dakar", settlement_partner="orange", actor=ACTOR, now=NOW)

    partners = [
        Disbursement.objects.get(pk=pk).settlement_partner for pk in (before, process(second))
    ]  # fmt: skip
    assert partners == ["wave", "orange"]
    entry = TrailEntry.objects.get(subject="group:g-1", action="change_group")
    assert entry.facts == {
        "name": "Tontine Dakar", "name_before": "Tontine Médina",
        "settlement_partner": "orange", "settlement_partner_before": "wave",
    }  # fmt: skip


def test_group_changed_to_what_it_is_leaves_no_trace() -> None:
    make_group(members=0, id="g-1")
    with nothing_changes():
        change_group(
            group_id="g-1", name="Tontine Médina", settlement_partner="wave", actor=ACTOR, now=NOW
        )  # fmt: skip


@pytest.mark.parametrize(
    ("partner", "refusal"), [("Wave", PartnerUnknown), ("mtn", PartnerServesElsewhere)]
)  # fmt: skip
def test_changed_group_needs_a_partner_of_its_country(partner: str, refusal: type[Exception]) -> None:
    make_group(members=0, id="g-1")
    with nothing_changes(), pytest.raises(refusal):
        change_group(group_id="g-1", name="Another", settlement_partner=partner, actor=ACTOR, now=NOW)


def test_unknown_group_is_not_changed() -> None:
    with nothing_changes(), pytest.raises(GroupMissing):
        change_group(group_id="g-9", name="Another", actor=ACTOR, now=NOW)


def test_add_member_encrypts_name_and_phone() -> None:
    _create()
    add_member(
        group_id="g-1", user_id="u-1", display_name="Awa Ndiaye", phone="+221771234567", actor=ACTOR, now=NOW
    )

    row = Member.objects.get()
    assert b"Awa" not in bytes(row.sealed_name)
    assert b"221" not in bytes(row.sealed_phone)
    shown = member("g-1", "u-1")
    assert (shown.masked_name, shown.masked_phone) == ("A. N.", "+22177•••••67")
    assert TrailEntry.objects.get(action="add_member").facts == {"user_id": "u-1"}


def test_erased_member_is_shown_without_name_and_phone() -> None:
    make_group(members=1, id="g-1")
    erase("member:user-0", now=NOW)

    shown = member("g-1", "user-0")
    assert (shown.masked_name, shown.masked_phone) == ("…", "…")
    assert PersonKey.objects.get(person_ref="member:user-0").wrapped_key is None


def test_add_member_twice_is_refused() -> None:
    make_group(members=1, id="g-1")
    with nothing_changes(), pytest.raises(MemberExists) as refused:
        add_member(group_id="g-1", user_id="user-0", display_name="B", actor=ACTOR, now=NOW)
    assert refused.value.facts == {"group_id": "g-1", "user_id": "user-0"}


def test_add_member_to_an_unknown_group_is_refused() -> None:
    with nothing_changes(), pytest.raises(GroupMissing) as refused:
        add_member(group_id="g-9", user_id="u", display_name="B", actor=ACTOR, now=NOW)
    assert refused.value.facts == {"group_id": "g-9"}


def test_the_same_person_may_be_in_two_groups() -> None:
    make_group(members=2, id="g-1")
    make_group(members=1, id="g-2")

    assert members_of("g-1") == ["user-0", "user-1"]
    assert members_of("g-2") == ["user-0"]


def test_verify_a_group_and_revoke_it_each_take_two_people() -> None:
    group = make_group(members=0, id="g-1")
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    first = propose_verification(group_id="g-1", proposer=proposer, reason="papers", now=NOW)
    assert not group_facts("g-1", at=NOW).is_verified
    approvals.approve(proposal_id=first.pk, approver=approver, digest=first.digest, now=NOW)
    assert group_facts("g-1", at=NOW).is_verified

    second = propose_verification_revocation(group_id="g-1", proposer=proposer, reason="moved", now=NOW)
    approvals.approve(proposal_id=second.pk, approver=approver, digest=second.digest, now=NOW)
    assert not group_facts(group.pk, at=NOW).is_verified
    assert (first.kind, second.kind) == (GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION)
    verify(group, now=NOW)
    assert group_facts("g-1", at=NOW).is_verified


def test_propose_verification_of_a_verified_group_is_refused() -> None:
    group = make_group(members=0, id="g-1")
    verify(group)
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(GroupVerifiedAlready) as refused:
        propose_verification(group_id="g-1", proposer=proposer, reason="again", now=NOW)
    assert refused.value.facts == {"group_id": "g-1"}


def test_propose_revocation_for_an_unverified_group_is_refused() -> None:
    make_group(members=0, id="g-1")
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(GroupNotVerified) as refused:
        propose_verification_revocation(group_id="g-1", proposer=proposer, reason="?", now=NOW)
    assert refused.value.facts == {"group_id": "g-1"}


def test_propose_verification_of_an_unknown_group_is_refused() -> None:
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(GroupMissing):
        propose_verification(group_id="g-9", proposer=proposer, reason="", now=NOW)


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_only_finance_proposes_a_verification(role: Role) -> None:
    make_group(members=0, id="g-1")
    user = make_user(role)
    with nothing_changes(), pytest.raises(NotAllowedToDecide):
        propose_verification(group_id="g-1", proposer=user, reason="", now=NOW)


def test_the_proposer_of_a_verification_cannot_approve_it_even_as_superuser() -> None:
    make_group(members=0, id="g-1")
    root = User.objects.create(username="root", is_superuser=True)
    proposal = propose_verification(group_id="g-1", proposer=root, reason="", now=NOW)
    with nothing_changes(), pytest.raises(ApproverIsProposer):
        approvals.approve(proposal_id=proposal.pk, approver=root, digest=proposal.digest, now=NOW)


def test_a_group_changed_since_the_proposal_is_not_verified() -> None:
    make_group(members=0, id="g-1")
    proposal = propose_verification(group_id="g-1", proposer=make_user(Role.FINANCE), reason="", now=NOW)
    approver = make_user(Role.APPROVER)
    Group.objects.filter(pk="g-1").update(name="Another tontine")
    with nothing_changes(), pytest.raises(ProposalFactsChanged):
        approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)


@pytest.mark.parametrize("kind", [GROUP_VERIFICATION, GROUP_VERIFICATION_REVOCATION])
def test_approve_a_group_changed_after_it_was_shown_is_refused(kind: str) -> None:
    group = make_group(members=0, id="g-1")
    if kind == GROUP_VERIFICATION_REVOCATION:
        verify(group)
    proposal = approvals.propose(kind=kind, subject_id="g-1", proposer=make_user(Role.FINANCE), now=NOW)
    Group.objects.filter(pk="g-1").update(name="Another tontine")
    with nothing_changes(), pytest.raises(ProposalFactsChanged):
        approvals.approvable(kind).apply(proposal, Actor.of(make_user(Role.APPROVER)), NOW)


def test_approve_a_revocation_of_an_ended_verification_is_refused() -> None:
    from fees.enums import DiscountKind
    from fees.services import revoke_discount

    group = make_group(members=0, id="g-1")
    verify(group)
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    proposal = propose_verification_revocation(group_id="g-1", proposer=proposer, reason="", now=NOW)
    revoke_discount(holder="group:g-1", kind=DiscountKind.VERIFIED_GROUP, actor=ACTOR, now=NOW)
    with nothing_changes(), pytest.raises(DiscountNotGranted):
        approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)
