"""A member's name and phone are erased by two people, while nothing of theirs is outstanding."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.auditor import audit
from ledger.models import JournalEntry
from payouts.errors import MemberMissing, MemberNotErasable
from payouts.invariants import INVARIANTS
from payouts.models import Cycle, Member, MemberErasure
from payouts.queries.cycles import cycle_facts
from payouts.queries.groups import member, members_of
from payouts.queries.outstanding import outstanding
from payouts.queries.people import person
from payouts.services.contributions import open_contribution
from payouts.services.cycles import record_ready_cycles, set_destination
from payouts.services.erasure import describe_erasure, propose_erasure
from payouts.services.members import remove_member
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    approve,
)
from sunusav.core.auditing import AuditScope
from sunusav.core.models import Approval, PersonKey, Proposal, TrailEntry, User
from sunusav.core.privacy import PersonErased, erase
from sunusav.core.roles import Role
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    pay_contribution,
    process,
)
from tests.factories.users import make_user
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from tests.support.opened import destination_of, payload_of
from tests.support.triggers import without_triggers
from transfers.destination_queries import open_destinations
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.models import Collection, Disbursement, PaymentOrder, Receipt
from transfers.queries import destinations_of
from transfers.services.credit_transfers import propose_credit_transfer
from transfers.services.matching import match_rails
from transfers.types import MaskedDestination, Refused

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
NOTHING = {"credit_msat": 0, "open_cycles": 0, "open_requests": 0, "open_payments": 0}


def proposed(user_id: str = "user-0", proposer: User | None = None) -> Proposal:
    proposer = proposer or make_user(Role.FINANCE)
    return propose_erasure(user_id=user_id, reason="asked for it", proposer=proposer, now=NOW)


def approved(proposal: Proposal, approver: User | None = None) -> None:
    approver = approver or make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=LATER)


def refusal(user_id: str = "user-0") -> dict[str, Any]:
    """Return the figures with which a proposal is refused, without the person."""
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(MemberNotErasable) as refused:
        proposed(user_id, proposer)
    facts = dict(refused.value.facts)
    assert facts.pop("user_id") == user_id
    return facts


def paid_cycle(members: int = 2, **fields: Any) -> int:
    """Pay out a cycle that user-0 won; return the payout."""
    payout_id = process(make_payable_cycle(make_group(members=members, **fields), net_sats=members * 9_900))
    run_due(slots=1, clock=lambda: NOW)
    return payout_id


def test_name_and_phone_are_gone_and_nothing_of_the_money_has_changed() -> None:
    paid_cycle(id="g-1")
    make_group(members=1, id="g-2")
    proposal = proposed()
    assert proposal.facts == {"user_id": "user-0", "groups": ["g-1", "g-2"]}
    assert member("g-1", "user-0").masked_name == "A. N."
    kept = (JournalEntry, Disbursement, Collection, Receipt)
    before = [list(model._default_manager.order_by("pk").values()) for model in kept]

    approved(proposal)

    assert [list(model._default_manager.order_by("pk").values()) for model in kept] == before
    for group_id in ("g-1", "g-2"):
        shown = member(group_id, "user-0")
        assert (shown.masked_name, shown.masked_phone, shown.left_at) == ("…", "…", LATER)
    assert (members_of("g-1"), members_of("g-2")) == (["user-1"], [])
    assert member("g-1", "user-1").masked_name == "A. N."
    assert (person("user-0").masked_name, person("user-0").groups) == ("…", ())
    assert PersonKey.objects.get(person_ref="member:user-0").wrapped_key is None
    row = MemberErasure.objects.get()
    assert (row.user_id, row.proposer, row.erased_at) == ("user-0", proposal.proposer, LATER)
    entry = TrailEntry.objects.get(action="erase")
    assert (entry.subject, entry.reason, entry.facts) == (
        "member:user-0", "", {"proposal": proposal.pk},
    )  # fmt: skip


def test_destinations_and_orders_are_gone_and_audit_and_matching_still_agree() -> None:
    payout_id = paid_cycle()
    row, order = Disbursement.objects.get(pk=payout_id), PaymentOrder.objects.get()
    assert destination_of(Cycle.objects.get()).value == payload_of(order)

    approved(proposed())

    (cycle,) = cycle_facts([Cycle.objects.get()])
    assert cycle.destination == MaskedDestination("lightning", "bolt11", "…")
    for sealed in (*Cycle.objects.get().destinations, destinations_of(row)[0].destination):
        with pytest.raises(PersonErased):
            open_destinations([sealed])
    assert payload_of(order) == ""
    assert match_rails(["lightning"], clock=lambda: LATER) == 0
    assert audit(now=LATER).breaches == ()


def test_groups_left_before_stay_left_at_their_moment() -> None:
    make_group(members=1, id="g-1")
    remove_member(group_id="g-1", user_id="user-0", actor=ACTOR, now=NOW)
    approved(proposed())
    assert Member.objects.get().left_at == NOW


# What is outstanding


def test_member_of_a_cycle_that_collects_is_not_erased() -> None:
    make_cycle(make_group(members=2))
    assert refusal() == {**NOTHING, "open_cycles": 1}
    assert refusal("user-1") == {**NOTHING, "open_cycles": 1}


def test_credit_is_read_last_because_what_ends_gives_it() -> None:
    """Whatever is seen as ended was committed with the credit that it gave."""
    make_cycle(make_group(members=2))
    with CaptureQueriesContext(connection) as queries:
        outstanding("user-0")
    tables = [re.findall(r"(payouts_cycle|transfers_\w+|ledger_\w+)", query["sql"]) for query in queries]
    assert any(found and found[0].startswith("transfers_disbursement") for found in tables[:-1])
    ledger = [position for position, found in enumerate(tables) if found and found[0].startswith("ledger_")]
    assert min(ledger) > max(set(range(len(tables))) - set(ledger))


def test_open_request_to_a_member_is_counted() -> None:
    cycle = make_cycle(make_group(members=2))
    open_contribution(cycle_id=cycle.pk, user_id="user-1", method="lightning", actor=ACTOR, now=NOW)
    assert refusal("user-1") == {**NOTHING, "open_cycles": 1, "open_requests": 1}


def test_payment_under_way_or_failed_is_counted_until_it_is_paid(node: ScriptedRail) -> None:
    node.script.append(Refused(reason="odd", failure=FailureClass.FINAL))
    payout_id = paid_cycle()
    assert Disbursement.objects.get(pk=payout_id).state == "failed"
    assert refusal() == {**NOTHING, "open_cycles": 1, "open_payments": 1}
    assert refusal("user-1") == {**NOTHING, "open_cycles": 1}


def test_credit_keeps_a_member_until_it_is_another_persons() -> None:
    """What a member paid too much, 1,500 msat, is first moved to another person by two people."""
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    pay_contribution(cycle, "user-1", received_msat=10_001_500)
    record_ready_cycles(now=NOW)
    given = invoice("to-user-0", 19_800)
    set_destination(cycle_id=cycle.pk, destination=given, actor=ACTOR, now=NOW)
    process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    assert refusal("user-1") == {**NOTHING, "credit_msat": 1_500}

    moving = propose_credit_transfer(
        from_user_id="user-1", to_user_id="user-0", reference="file 7", explanation="their request",
        proposer=make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip
    approved(moving)
    approved(proposed("user-1"))

    assert MemberErasure.objects.get().user_id == "user-1"
    assert refusal("user-0") == {**NOTHING, "credit_msat": 1_500}


def test_what_is_outstanding_since_the_proposal_refuses_the_approval_by_its_figures() -> None:
    group = make_group(members=2)
    proposal, approver = proposed(), make_user(Role.APPROVER)
    make_cycle(group)
    with nothing_changes(), pytest.raises(MemberNotErasable) as refused:
        approved(proposal, approver)
    assert refused.value.facts == {"user_id": "user-0", **NOTHING, "open_cycles": 1}
    assert member(group.pk, "user-0").masked_name == "A. N."


def test_joining_a_group_since_the_proposal_needs_another_proposal() -> None:
    make_group(members=1)
    proposal, approver = proposed(), make_user(Role.APPROVER)
    make_group(members=1)
    with nothing_changes(), pytest.raises(ProposalFactsChanged):
        approved(proposal, approver)


# Who, and whom


def test_nobody_and_the_erased_are_refused() -> None:
    make_group(members=1)
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(MemberMissing) as refused:
        proposed("nobody", proposer)
    assert refused.value.facts == {"user_id": "nobody"}
    approved(proposed())
    with nothing_changes(), pytest.raises(PersonErased):
        proposed(proposer=proposer)
    with pytest.raises(MemberMissing):
        describe_erasure("x")


def test_one_erasure_of_a_person_is_proposed_at_a_time() -> None:
    make_group(members=1)
    make_group(members=1)
    proposed()
    proposer = make_user(Role.FINANCE)
    with nothing_changes(), pytest.raises(ProposalAlreadyOpen):
        proposed(proposer=proposer)


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_only_finance_proposes_an_erasure(role: Role) -> None:
    make_group(members=1)
    user = make_user(role)
    with nothing_changes(), pytest.raises(NotAllowedToDecide):
        proposed(proposer=user)


def test_proposer_cannot_approve_even_as_superuser() -> None:
    make_group(members=1)
    root = User.objects.create(username="root", is_superuser=True)
    proposal = proposed(proposer=root)
    with nothing_changes(), pytest.raises(ApproverIsProposer):
        approved(proposal, root)
    assert member(Member.objects.get().group_id, "user-0").masked_name == "A. N."


# The audit


def breaches() -> list[str]:
    """Return what both audits find, which is the same."""
    full, fast = (
        [f"{found.invariant} {found.subject}" for rule in INVARIANTS for found in rule.find(scope)]
        for scope in (AuditScope(now=LATER), AuditScope(now=LATER, since=NOW - timedelta(days=1)))
    )
    assert full == fast
    return full


@pytest.fixture
def unguarded(transactional_db: None) -> Iterator[None]:
    with without_triggers(connection):
        yield


def test_audit_of_an_erasure_by_two_people_finds_nothing() -> None:
    paid_cycle()
    approved(proposed())
    assert breaches() == []


def test_audit_finds_data_that_nobody_had_erased() -> None:
    make_group(members=1)
    erase("member:user-0", now=NOW)
    assert breaches() == ["I16 member:user-0"]


def test_audit_finds_an_erasure_of_which_the_key_is_back(unguarded: None) -> None:
    make_group(members=1)
    approved(proposed())
    PersonKey.objects.update(erased_at=None)
    assert breaches() == ["I16 member:user-0"]


def test_audit_finds_an_erasure_that_one_person_decided(unguarded: None) -> None:
    make_group(members=1)
    approved(proposed())
    Approval.objects.update(is_approved=False, reason="no")
    assert breaches() == ["I16 member:user-0"]


def test_audit_finds_an_erasure_by_the_proposal_about_another(unguarded: None) -> None:
    make_group(members=2)
    approved(proposed())
    Proposal.objects.update(subject_id=str(Member.objects.get(user_id="user-1").pk))
    assert breaches() == ["I16 member:user-0"]
