"""A member's whole credit moves to another person when two people say so, with evidence."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from ledger.models import JournalTransaction
from ledger.queries import lines_of
from ledger.services import post
from ledger.types import credit, debit
from sunusav.core.approvals import ApproverIsProposer, NotAllowedToDecide, approve, withdraw
from sunusav.core.auditing import AuditScope
from sunusav.core.models import Approval, Proposal, TrailEntry, User
from sunusav.core.privacy import PersonErased, erase, seal
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.support.triggers import without_triggers
from tests.transfers.builders import NOW
from tests.transfers.test_credit import credited, used
from tests.transfers.unchanged import unchanged
from transfers.credit_errors import (
    CreditEmpty,
    CreditHolderMissing,
    CreditTransferEvidenceMissing,
    CreditTransferMissing,
    CreditTransferProposed,
    CreditTransferToSelf,
)
from transfers.credit_queries import credit_msat
from transfers.errors import CreditShort
from transfers.invariants import INVARIANTS
from transfers.models import CreditTransfer, CreditTransferRequest
from transfers.services.credit_transfers import describe_credit_transfer, propose_credit_transfer
from transfers.types import credit_of

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def people(db: None) -> None:
    """Two people are known: the platform gave their names once."""
    for user_id in ("awa", "binta"):
        seal(f"member:{user_id}", "a name")


def proposed(**changes: Any) -> Proposal:
    given: dict[str, Any] = {
        "from_user_id": "awa", "to_user_id": "binta", "reference": "file 12", "explanation": "heir, judgment seen",
        "proposer": make_user(Role.FINANCE), "now": NOW, **changes,
    }  # fmt: skip
    return propose_credit_transfer(**given)


def approved(proposal: Proposal, approver: User | None = None) -> CreditTransfer:
    approver = approver or make_user(Role.APPROVER)
    approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=LATER)
    return CreditTransfer.objects.get(proposal=proposal)


def breaches(since: timedelta | None = None) -> list[str]:
    scope = AuditScope(now=LATER, since=LATER - since if since else None)
    return [f"{found.invariant} {found.subject}" for rule in INVARIANTS for found in rule.find(scope)]


def test_whole_credit_moves_to_the_last_msat_once_a_second_person_approves() -> None:
    credited(11_500)
    proposal = proposed()
    assert proposal.facts == {
        "from_member": "awa", "to_member": "binta", "amount_msat": 11_500, "reference": "file 12",
        "explanation": "heir, judgment seen",
    }  # fmt: skip
    assert (credit_msat("awa"), credit_msat("binta")) == (11_500, 0)

    row = approved(proposal)

    assert (credit_msat("awa"), credit_msat("binta")) == (0, 11_500)
    assert lines_of(row.transaction_id) == [
        debit(credit_of("awa"), 11_500),
        credit(credit_of("binta"), 11_500),
    ]
    assert (row.proposer, row.approver.groups.get().name) == (proposal.proposer, "approver")
    entry = TrailEntry.objects.get(action="transfer_credit")
    assert (entry.subject, entry.facts["amount_msat"]) == (f"credit_transfer:{row.request_id}", 11_500)
    assert (breaches(), breaches(timedelta(days=1))) == ([], [])


def test_credit_added_after_the_proposal_stays() -> None:
    credited(10)
    proposal = proposed()
    credited(3, reference="second")
    approved(proposal)
    assert (credit_msat("awa"), credit_msat("binta")) == (3, 10)


def test_credit_used_after_the_proposal_is_not_moved() -> None:
    credited(10)
    proposal, approver = proposed(), make_user(Role.APPROVER)
    used(1)
    with unchanged(), pytest.raises(CreditShort) as refused:
        approved(proposal, approver)
    assert refused.value.facts == {"needed_msat": 10, "available_msat": 9}


def test_credit_of_an_erased_person_moves_and_an_erased_person_receives_none() -> None:
    """Money that arrives late becomes credit, also of somebody whose name was erased."""
    credited(10)
    proposal, approver = proposed(), make_user(Role.APPROVER)
    erase("member:binta", now=NOW)
    with unchanged(), pytest.raises(PersonErased):
        approved(proposal, approver)
    withdraw(proposal_id=proposal.pk, proposer=proposal.proposer, now=NOW)
    proposer = make_user(Role.FINANCE)
    with unchanged(), pytest.raises(PersonErased):
        proposed(proposer=proposer)

    seal("member:coumba", "a name")
    erase("member:awa", now=NOW)
    approved(proposed(to_user_id="coumba"))

    assert (credit_msat("awa"), credit_msat("coumba")) == (0, 10)


@pytest.mark.parametrize(
    ("changes", "refusal", "facts"),
    [
        ({"to_user_id": "awa"}, CreditTransferToSelf, {"user_id": "awa"}),
        ({"to_user_id": "nobody"}, CreditHolderMissing, {"user_id": "nobody"}),
        ({"from_user_id": "nobody"}, CreditHolderMissing, {"user_id": "nobody"}),
        ({"from_user_id": "binta", "to_user_id": "awa"}, CreditEmpty, {"user_id": "binta"}),
        ({"reference": " "}, CreditTransferEvidenceMissing, {"missing": "reference"}),
        ({"explanation": ""}, CreditTransferEvidenceMissing, {"missing": "explanation"}),
    ],
)
def test_proposal_that_nobody_could_approve_is_refused(
    changes: dict[str, Any], refusal: type[Exception], facts: dict[str, Any]
) -> None:
    credited(10)
    proposer = make_user(Role.FINANCE)
    with unchanged(), pytest.raises(refusal) as refused:
        proposed(proposer=proposer, **changes)
    assert refused.value.facts == facts  # type: ignore[attr-defined]


def test_one_transfer_of_a_credit_is_proposed_at_a_time() -> None:
    credited(10)
    first, proposer = proposed(), make_user(Role.FINANCE)
    with unchanged(), pytest.raises(CreditTransferProposed) as refused:
        proposed(proposer=proposer)
    assert refused.value.facts == {"user_id": "awa", "transfer_id": int(first.subject_id)}

    withdraw(proposal_id=first.pk, proposer=first.proposer, now=NOW)
    assert proposed().state == "open"


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_only_finance_proposes_a_transfer(role: Role) -> None:
    credited(10)
    user = make_user(role)
    with unchanged(), pytest.raises(NotAllowedToDecide):
        proposed(proposer=user)


def test_proposer_cannot_approve_even_as_superuser() -> None:
    credited(10)
    root = User.objects.create(username="root", is_superuser=True)
    proposal = proposed(proposer=root)
    with unchanged(), pytest.raises(ApproverIsProposer):
        approved(proposal, root)


@pytest.mark.parametrize("key", ["7", "x"])
def test_unknown_transfer_is_missing(key: str) -> None:
    with pytest.raises(CreditTransferMissing):
        describe_credit_transfer(key)


# The audit, after what somebody with the database's password could change


@pytest.fixture
def unguarded(transactional_db: None) -> Iterator[None]:
    with without_triggers(connection):
        yield


def moved() -> str:
    credited(10)
    return f"credit_transfer:{approved(proposed()).request_id}"


def test_audit_finds_another_amount_or_another_receiver(unguarded: None) -> None:
    subject = moved()
    CreditTransferRequest.objects.update(amount_msat=11)
    assert breaches() == breaches(timedelta(days=1)) == [f"I08b {subject}"]
    CreditTransferRequest.objects.update(amount_msat=10, to_owner="member:coumba")
    assert breaches() == [f"I08b {subject}"]


def test_audit_finds_a_transfer_that_is_not_booked_as_one(unguarded: None) -> None:
    subject = moved()
    JournalTransaction.objects.filter(kind="credit_transferred").update(kind="gift")
    assert breaches() == breaches(timedelta(days=1)) == [f"I08 {subject}"]


def test_audit_finds_a_transfer_in_the_books_alone() -> None:
    credited(10)
    lines = [debit(credit_of("awa"), 1), credit(credit_of("binta"), 1)]
    booked = post(kind="credit_transferred", reference="x", lines=lines, at=NOW, subject="test:1")
    assert breaches() == breaches(timedelta(days=1)) == [f"I08 journal:{booked}"]


def test_audit_finds_an_approval_that_was_not_booked(unguarded: None) -> None:
    credited(10)
    proposal = proposed()
    Proposal.objects.filter(pk=proposal.pk).update(state="approved", decided_at=LATER)
    subject = f"credit_transfer:{proposal.subject_id}"
    assert breaches() == breaches(timedelta(days=1)) == [f"I08 {subject}"]


def test_audit_finds_what_one_person_or_nobody_approved(unguarded: None) -> None:
    subject = moved()
    Approval.objects.update(is_approved=False, reason="no")
    assert breaches() == breaches(timedelta(days=1)) == [f"I16 {subject}"]
    Approval.objects.update(is_approved=True)
    CreditTransferRequest.objects.update(proposer=make_user(Role.FINANCE))
    assert breaches() == [f"I16 {subject}"]


def test_audit_finds_another_proposal_behind_a_transfer(unguarded: None) -> None:
    subject = moved()
    Proposal.objects.update(kind="treasury_movement")
    assert f"I16 {subject}" in breaches()
