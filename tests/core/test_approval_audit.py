"""What both audits name when proposals, approvals or the rules about them were tampered with."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection

from sunusav.core.approval_invariants import APPROVAL_INVARIANTS
from sunusav.core.auditing import AuditScope
from sunusav.core.band_services import BandValue
from sunusav.core.models import Approval, ApprovalBand, Proposal
from sunusav.core.roles import Role
from tests.core.test_bands import RATE, approve, rate_proposal
from tests.factories.bands import first_band, set_band
from tests.factories.users import make_user
from tests.support.tampering import sql
from tests.support.triggers import without_triggers

# To drop triggers commits on MySQL and MariaDB.
pytestmark = pytest.mark.django_db(transaction=True)

LATER = timedelta(minutes=10)


@pytest.fixture
def unguarded() -> Iterator[None]:
    with without_triggers(connection):
        yield


def found(now: datetime, since: datetime | None = None) -> set[tuple[str, str]]:
    scope = AuditScope(now=now + 3 * LATER, since=since)
    return {
        (breach.subject, breach.detail)
        for rule in APPROVAL_INVARIANTS
        for breach in rule.find(scope)
        if breach.invariant == "I16"
    }


def both_audits(now: datetime) -> set[tuple[str, str]]:
    """Return what the full audit finds; the fast one finds the same in what has changed since."""
    full = found(now)
    assert found(now, since=now) == full
    return full


def approved_by_two(now: datetime) -> Proposal:
    """Put a band in force, and have two people approve a proposal ten minutes later."""
    set_band(BandValue(RATE, 2), now=now)
    proposal = rate_proposal(now + LATER)
    for _ in range(2):
        approve(proposal, make_user(Role.APPROVER), now + LATER)
    return Proposal.objects.get(pk=proposal.pk)


def test_audits_find_nothing_in_what_people_decided(now: datetime) -> None:
    """Bands were raised and lowered, and somebody left, while a proposal waited."""
    made = rate_proposal(now)
    set_band(BandValue(RATE, 3), now=now + LATER)
    leaving = make_user(Role.APPROVER)
    approve(made, leaving, now + LATER)
    leaving.groups.clear()
    set_band(BandValue(RATE, 2), now=now + 2 * LATER)
    states = [approve(made, make_user(Role.APPROVER), now + 2 * LATER) for _ in range(2)]

    assert states == ["open", "approved"]
    assert both_audits(now) == set()


def test_proposal_of_the_moment_in_which_a_band_changes_is_no_breach(now: datetime) -> None:
    rate_proposal(now + timedelta(seconds=30))
    set_band(BandValue(RATE, 2), now=now)

    assert both_audits(now) == set()


def remove_an_approval(proposal: Proposal) -> str:
    sql("DELETE FROM core_approval WHERE id = %s", proposal.approvals.latest("pk").pk)
    return "1 approvals of 2"


def move_an_approval_to_another_digest(proposal: Proposal) -> str:
    sql("UPDATE core_approval SET digest = %s WHERE id = %s", "0" * 64, proposal.approvals.latest("pk").pk)
    return "1 approvals of 2"


def turn_an_approval_into_a_rejection(proposal: Proposal) -> str:
    sql(
        "UPDATE core_approval SET is_approved = %s, reason = 'no' WHERE id = %s",
        False, proposal.approvals.latest("pk").pk,
    )  # fmt: skip
    return "1 approvals of 2"


@pytest.mark.parametrize(
    "tamper", [remove_an_approval, move_an_approval_to_another_digest, turn_an_approval_into_a_rejection]
)
def test_audits_name_a_proposal_with_too_few_approvals(
    now: datetime, unguarded: None, tamper: Callable[[Proposal], str]
) -> None:
    proposal = approved_by_two(now)
    assert both_audits(now) == set()

    detail = tamper(proposal)

    subject = f"proposal:{proposal.pk}"
    assert both_audits(now) == {
        (subject, detail), (subject, "1 approvals; the rules asked for 2 when it was decided"),
    }  # fmt: skip


def test_audits_name_a_number_that_was_lowered_with_its_approval(now: datetime, unguarded: None) -> None:
    proposal = approved_by_two(now)
    remove_an_approval(proposal)
    sql("UPDATE core_proposal SET approvals_needed = 1 WHERE id = %s", proposal.pk)

    subject = f"proposal:{proposal.pk}"
    assert both_audits(now) == {
        (subject, "says that it needs 1 approvals; the rules asked for 2"),
        (subject, "1 approvals; the rules asked for 2 when it was decided"),
    }


def test_audits_name_a_number_that_was_lowered_while_it_is_open(now: datetime, unguarded: None) -> None:
    set_band(BandValue(RATE, 2), now=now)
    proposal = rate_proposal(now + LATER)
    sql("UPDATE core_proposal SET approvals_needed = 1 WHERE id = %s", proposal.pk)

    assert both_audits(now) == {
        (f"proposal:{proposal.pk}", "says that it needs 1 approvals; the rules asked for 2")
    }


def test_audits_name_a_band_that_was_not_in_force_for_a_proposal(now: datetime, unguarded: None) -> None:
    proposal = approved_by_two(now)
    other = set_band(BandValue("fee_schedule", 2), now=now)
    sql("UPDATE core_proposal SET band_id = %s WHERE id = %s", other.pk, proposal.pk)

    assert both_audits(now) == {
        (f"proposal:{proposal.pk}", f"approval rule {other.pk} was not in force for it")
    }


def test_audits_name_an_approval_by_the_proposer(now: datetime, unguarded: None) -> None:
    proposal = approved_by_two(now)
    approval = proposal.approvals.latest("pk")
    sql("UPDATE core_proposal SET proposer_id = %s WHERE id = %s", approval.approver_id, proposal.pk)

    subjects = {subject for subject, _ in both_audits(now)}
    copies = {f"approval:{pk}" for pk in proposal.approvals.values_list("pk", flat=True)}
    assert subjects == {f"proposal:{proposal.pk}", *copies}


def test_audits_name_facts_that_are_not_those_of_the_digest(now: datetime, unguarded: None) -> None:
    proposal = approved_by_two(now)
    sql("UPDATE core_proposal SET facts = %s WHERE id = %s", '{"rate_xof_per_btc": "1"}', proposal.pk)

    assert both_audits(now) == {(f"proposal:{proposal.pk}", "its facts are not those of its digest")}


@pytest.mark.parametrize(
    ("column", "value"), [("approvals_needed", 1), ("role", "auditor"), ("kind", "fee_schedule")]
)
def test_audits_name_a_band_that_says_what_nobody_approved(
    now: datetime, unguarded: None, column: str, value: object
) -> None:
    row = set_band(BandValue(RATE, 2), now=now)
    sql(f"UPDATE core_approvalband SET {column} = %s WHERE id = %s", value, row.pk)

    details = {detail for subject, detail in both_audits(now) if subject == f"approval_band:{row.pk}"}
    assert [detail.partition(": ")[2] for detail in details] == [
        "it is not what was approved, or not from then on"
    ]


def test_audits_name_a_band_put_in_force_by_an_open_proposal(now: datetime, unguarded: None) -> None:
    row = set_band(BandValue(RATE, 2), now=now)
    assert row.proposal is not None
    Approval.objects.filter(proposal=row.proposal).delete()
    sql("UPDATE core_proposal SET state = 'open', decided_at = NULL WHERE id = %s", row.proposal_id)

    details = {detail.partition(": ")[2] for _, detail in both_audits(now)}
    assert details == {
        f"proposal {row.proposal_id} (open) is not the approved one of this rule",
        "it is not what was approved, or not from then on",
        "it names others than those who proposed and approved it",
    }


def test_audits_name_versions_and_the_first_band_that_were_deleted(now: datetime, unguarded: None) -> None:
    set_band(BandValue(RATE, 2), now=now)
    last = set_band(BandValue(RATE, 1), now=now + LATER)
    ApprovalBand.objects.filter(kind=RATE, version=1).delete()
    named = {detail for _, detail in found(now)}
    assert f"{last.key}: version 2 follows version 0" in named

    Proposal.objects.update(band=last)
    sql("DELETE FROM core_approvalband WHERE id = %s", first_band().pk)
    assert ("approval_band", "the rule that applies to every proposal is missing") in found(now)
