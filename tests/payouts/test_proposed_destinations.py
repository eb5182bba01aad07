"""Finance proposes where a winner is paid, another person approves it; limits and the cooling-off stay in force.

A cycle of ten members collects 100,000 sats; the winner's net is 99,000. Invoices named "x@node" are of that node.
"""

from datetime import datetime, timedelta

import pytest

from payouts.enums import CYCLE_DESTINATION
from payouts.errors import CycleAlreadyPaid, CycleCancelled, CycleMissing, DestinationLocked, SecondChoiceSame
from payouts.models import Cycle, ProposedDestination
from payouts.personal_data import proposed_destinations
from payouts.services.cycles import set_destination
from payouts.services.destinations import describe_destination, is_another_payee, propose_destination
from payouts.services.endings import cancel_cycle
from payouts.services.winners import exchange_winner
from sunusav.core.approvals import (
    ApproverIsProposer,
    NotAllowedToDecide,
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    approve,
)
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.factories.payouts import ACTOR, NOW, make_cycle, make_payable_cycle, make_ready_cycle, process
from tests.factories.users import make_user
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from tests.support.opened import value_of
from transfers.destination_queries import open_destinations
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.errors import RailUnknown
from transfers.models import Attempt, Disbursement, DisbursementDestination
from transfers.types import Destination, Refused, Unknown

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=5)
DAY = timedelta(hours=24)
FIRST, SECOND = invoice("first@wallet-a", 99_000), invoice("second@wallet-b", 99_000)


def proposed(
    cycle: Cycle,
    destination: Destination = SECOND,
    second: Destination | None = None,
    *,
    by: User | None = None,
) -> Proposal:
    return propose_destination(
        cycle_id=cycle.pk, destination=destination, second_choice=second, reason="lost the phone",
        proposer=by or make_user(Role.FINANCE), now=NOW,
    )  # fmt: skip


def approved(proposal: Proposal, *, by: User | None = None, at: datetime = LATER) -> Proposal:
    approver = by or make_user(Role.APPROVER)
    return approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=at)


def stored(cycle: Cycle) -> list[Destination]:
    return open_destinations(Cycle.objects.get(pk=cycle.pk).destinations)


def run(at: datetime) -> None:
    run_due(slots=1, clock=lambda: at)


def test_proposal_sets_nothing_and_its_approval_both_choices(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    proposal = proposed(cycle, FIRST, SECOND)
    assert stored(cycle) == []

    approved(proposal)

    assert stored(cycle) == [FIRST, SECOND]
    entry = TrailEntry.objects.get(action="set_destination")
    assert (entry.subject, entry.reason, entry.at) == (f"cycle:{cycle.pk}", "", LATER)
    assert entry.facts == {
        "rail": "lightning", "kind": "bolt11", "replaced": False, "second_rail": "lightning",
        "second_kind": "bolt11", "second_replaced": False, "proposal": proposal.pk,
    }  # fmt: skip
    assert {row.action for row in TrailEntry.objects.filter(subject=f"{CYCLE_DESTINATION}:{cycle.pk}")} == {
        "propose", "approve",
    }  # fmt: skip


def test_facts_have_digests_and_no_destination(node: ScriptedRail) -> None:
    cycle = make_ready_cycle(destination=FIRST)
    proposal = proposed(cycle)

    assert {name: value for name, value in proposal.facts.items() if not name.startswith(("dest", "digest"))} == {
        "cycle_id": cycle.pk, "winner": "user-0", "rail": "lightning", "kind": "bolt11",
        "payout_total_sats": 100_000,
    }  # fmt: skip
    digests = [proposal.facts[name] for name in ("destination_digest", "digest_before")]
    assert [len(digest) for digest in digests] == [64, 64]
    assert digests[0] != digests[1]
    assert SECOND.value not in str(proposal.facts)
    assert SECOND.value.encode() not in bytes(ProposedDestination.objects.get().sealed_value)
    assert describe_destination(cycle.pk) == proposal.facts


def test_another_payee_waits_24_hours_from_the_approval_above_the_limit(node: ScriptedRail) -> None:
    cycle = make_ready_cycle(destination=FIRST)
    proposal = proposed(cycle)
    assert is_another_payee(cycle.pk, now=NOW)

    approved(proposal)
    payout = process(cycle, now=LATER)
    run(LATER)

    assert Cycle.objects.get(pk=cycle.pk).destination_replaced_at == LATER
    row = Disbursement.objects.get(pk=payout)
    assert (row.state, row.failure_code, row.due_at) == ("processing", "destination-cooling-off", LATER + DAY)
    assert not Attempt.objects.exists()
    run(LATER + DAY)
    assert Disbursement.objects.get(pk=payout).state == "completed"


def test_same_payee_and_first_destination_do_not_wait(node: ScriptedRail) -> None:
    first, same = make_ready_cycle(), make_ready_cycle(destination=FIRST)
    again = invoice("third@wallet-a", 99_000)
    for cycle, destination in ((first, SECOND), (same, again)):
        proposal = proposed(cycle, destination)
        assert not is_another_payee(cycle.pk, now=NOW)
        approved(proposal)
        process(cycle, now=LATER)

    run(LATER)
    run(LATER)

    assert set(Disbursement.objects.values_list("state", flat=True)) == {"completed"}


def test_payout_that_failed_is_redirected(node: ScriptedRail) -> None:
    cycle = make_ready_cycle(destination=FIRST)
    node.script.append(Refused("invoice-expired", FailureClass.FINAL))
    payout = Disbursement.objects.get(pk=process(cycle))
    run(NOW)
    run(NOW + timedelta(seconds=30))

    approved(proposed(cycle))

    payout.refresh_from_db()
    assert payout.state == "failed"
    assert [value_of(row) for row in DisbursementDestination.objects.filter(disbursement=payout)] == [
        SECOND.value
    ]


@pytest.mark.parametrize("role", [Role.FINANCE, Role.AUDITOR, Role.OPERATOR, Role.PLATFORM])
def test_only_an_approver_approves(node: ScriptedRail, role: Role) -> None:
    proposal = proposed(make_ready_cycle())

    with nothing_changes(), pytest.raises(NotAllowedToDecide):
        approved(proposal, by=make_user(role))


def test_proposer_cannot_approve_not_even_as_superuser(node: ScriptedRail) -> None:
    root = make_user(Role.FINANCE)
    root.is_superuser = True
    root.save()
    proposal = proposed(make_ready_cycle(), by=root)

    with nothing_changes(), pytest.raises(ApproverIsProposer):
        approved(proposal, by=root)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR, Role.PLATFORM])
def test_only_finance_proposes(node: ScriptedRail, role: Role) -> None:
    cycle = make_ready_cycle()

    with nothing_changes(), pytest.raises(NotAllowedToDecide):
        proposed(cycle, by=make_user(role))
    assert not ProposedDestination.objects.exists()


def test_second_proposal_is_refused_while_the_first_waits(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    waiting = proposed(cycle)

    with nothing_changes(), pytest.raises(ProposalAlreadyOpen) as refusal:
        proposed(cycle, FIRST)

    assert refusal.value.facts["proposal_id"] == str(waiting.pk)
    assert ProposedDestination.objects.count() == 1


def test_destination_that_the_platform_set_meanwhile_voids_the_proposal(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    proposal = proposed(cycle)
    set_destination(cycle_id=cycle.pk, destination=FIRST, actor=ACTOR, now=NOW)

    with nothing_changes(), pytest.raises(ProposalFactsChanged):
        approved(proposal)

    assert proposed(cycle).pk != proposal.pk
    assert Proposal.objects.get(pk=proposal.pk).state == "withdrawn"


def test_exchanged_turn_voids_the_proposal(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    proposal = proposed(cycle)
    exchange_winner(cycle_id=cycle.pk, winner_user_id="user-1", reason="agreed", actor=ACTOR, now=NOW)

    with nothing_changes(), pytest.raises(ProposalFactsChanged):
        approved(proposal)


def test_destination_is_refused_as_by_the_api(node: ScriptedRail) -> None:
    ready, paid, gone = make_ready_cycle(), make_payable_cycle(), make_cycle()
    process(paid)
    run(NOW)
    cancel_cycle(cycle_id=gone.pk, reason="dissolved", actor=ACTOR, now=NOW)

    with nothing_changes():
        with pytest.raises(CycleAlreadyPaid):
            proposed(paid)
        with pytest.raises(CycleCancelled):
            proposed(gone)
        with pytest.raises(SecondChoiceSame):
            proposed(ready, FIRST, FIRST)
        with pytest.raises(RailUnknown):
            proposed(ready, Destination("unknown", "phone", "+221771234567"))
        with pytest.raises(CycleMissing):
            propose_destination(
                cycle_id="none", destination=FIRST, reason="x", proposer=make_user(Role.FINANCE), now=NOW
            )
    assert not ProposedDestination.objects.exists()


def test_approval_is_refused_while_an_attempt_may_still_pay(node: ScriptedRail) -> None:
    cycle = make_payable_cycle()
    proposal = proposed(cycle)
    node.script.append(Unknown(seen=True, reason="timeout"))
    process(cycle)
    run(NOW)

    with nothing_changes(), pytest.raises(DestinationLocked):
        approved(proposal)


def test_what_was_proposed_is_in_the_export_of_the_winner_alone(node: ScriptedRail) -> None:
    cycle = make_ready_cycle()
    proposed(cycle, FIRST, SECOND)

    [row] = proposed_destinations("user-0")

    assert (row["cycle"], row["proposed_at"]) == (cycle.pk, NOW)
    assert [one["value"] for one in row["destinations"]] == [FIRST.value, SECOND.value]
    assert list(proposed_destinations("user-1")) == []
