"""A payout whose money came back, through the API: two people reverse it, two reopen its cycle, then it is paid again.

A cycle of ten members collects 100,000 sats; the fee of 1,000 sats is shared 500, 200, 300, and the net is 99,000.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now as wall_clock
from rest_framework.test import APIClient

from ledger.queries import owed
from payouts.calculations import pot_of
from payouts.errors import CycleNotReversed
from payouts.models import Cycle, CycleReopening
from payouts.services.cycles import set_destination
from payouts.services.reopening import propose_reopening
from sunusav.core import approvals
from sunusav.core.auditing import AuditScope
from sunusav.core.calendar import DAKAR
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.architecture.openapi import assert_described
from tests.factories.payouts import ACTOR, make_payable_cycle, make_ready_cycle
from tests.factories.users import client_in, client_of, make_user
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from transfers.booking import COMMUNITY_FUND, PLATFORM_FEES
from transfers.engine.runner import run_due
from transfers.invariants import INVARIANTS
from transfers.models import Disbursement, ReturnClaim

pytestmark = pytest.mark.django_db

ROOT = "/monetization/payouts"
PROPOSED = {"kind": "bank_line", "reference": f"{'ab' * 32}:0", "reason": "the bank returned it"}


def _process(client: APIClient, cycle: Cycle) -> Any:
    body = {"cycle_id": cycle.pk, "group_verified": False, "user_recurring": False}
    answer = client.post(f"{ROOT}/process", body)
    run_due(slots=1, clock=wall_clock)
    return answer


def _payout(cycle_id: str) -> Disbursement:
    """Return the newest payout of a cycle."""
    found = Disbursement.objects.filter(subject=f"cycle:{cycle_id}").order_by("-pk").first()
    assert found is not None
    return found


def _outcome(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def cycle() -> Cycle:
    return make_ready_cycle(destination=invoice("first@node", 99_000), cycle_id="cycle-9")


@pytest.fixture
def payout_id(node: ScriptedRail, cycle: Cycle) -> int:
    _process(client_in(Role.PLATFORM), cycle)
    found = Disbursement.objects.get()
    assert found.state == "completed"
    return found.pk


@pytest.fixture
def finance() -> User:
    return make_user(Role.FINANCE)


@pytest.fixture
def approver() -> User:
    return make_user(Role.APPROVER)


@pytest.fixture
def proposed(payout_id: int, finance: User) -> dict[str, Any]:
    answer = client_of(finance).post(f"{ROOT}/{payout_id}/reverse", PROPOSED)
    assert answer.status_code == 202
    assert_described(answer)
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def reversed_payout(payout_id: int, proposed: dict[str, Any], approver: User) -> int:
    body = {"proposal_id": int(proposed["proposal_id"]), "digest": proposed["digest"]}
    answer = client_of(approver).post(f"{ROOT}/{payout_id}/reverse", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "reversed")
    assert_described(answer)
    return payout_id


# Reversing


def test_proposal_changes_nothing_and_names_what_a_second_person_approves(
    payout_id: int, proposed: dict[str, Any], finance: User
) -> None:
    assert (proposed["id"], proposed["status"]) == (payout_id, "completed")
    assert proposed["proposed_by"] == finance.username
    assert Proposal.objects.get(pk=int(proposed["proposal_id"])).digest == proposed["digest"]
    assert owed(pot_of("cycle-9")) == 0


def test_approved_reversal_gives_the_pot_its_100000_sats_back(reversed_payout: int, cycle: Cycle) -> None:
    assert (owed(pot_of("cycle-9")), owed(PLATFORM_FEES), owed(COMMUNITY_FUND)) == (100_000_000, 0, 0)
    shown = client_in(Role.PLATFORM).get("/monetization/cycles/cycle-9").json()
    assert (shown["status"], shown["contributions_settled"]) == ("failed", 10)
    status = client_in(Role.PLATFORM).get(f"{ROOT}/status/cycle-9").json()
    assert (status["payout_status"], status["payout_id"]) == ("reversed", reversed_payout)


def test_proposer_cannot_approve_and_a_service_cannot_propose(
    payout_id: int, proposed: dict[str, Any], finance: User
) -> None:
    body = {"proposal_id": int(proposed["proposal_id"]), "digest": proposed["digest"]}

    with nothing_changes():
        assert _outcome(client_of(finance).post(f"{ROOT}/{payout_id}/reverse", body))[0] == 403
        assert client_in(Role.PLATFORM).post(f"{ROOT}/{payout_id}/reverse", PROPOSED).status_code == 403


def test_approver_cannot_propose(payout_id: int, approver: User) -> None:
    with nothing_changes():
        answer = client_of(approver).post(f"{ROOT}/{payout_id}/reverse", PROPOSED)

    assert answer.status_code == 403


def test_approval_with_another_digest_or_of_another_payout_is_refused(
    payout_id: int, proposed: dict[str, Any], approver: User
) -> None:
    other = make_payable_cycle(cycle_id="cycle-10")
    _process(client_in(Role.PLATFORM), other)
    other_id = _payout("cycle-10").pk
    client, number = client_of(approver), int(proposed["proposal_id"])

    with nothing_changes():
        wrong = client.post(f"{ROOT}/{payout_id}/reverse", {"proposal_id": number, "digest": "00" * 32})
        elsewhere = client.post(
            f"{ROOT}/{other_id}/reverse", {"proposal_id": number, "digest": proposed["digest"]}
        )

    assert _outcome(wrong) == (409, "proposal-facts-changed")
    assert _outcome(elsewhere) == (404, "proposal-missing")


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": "bank_line"}, {**PROPOSED, "digest": "ab"}, {"proposal_id": 1},
        {**PROPOSED, "kind": "provider_reversal"}, {**PROPOSED, "returned_on": "20260305"},
        {**PROPOSED, "kind": "inbound_payment", "returned_on": "2026-03-05"},
        {"proposal_id": 1, "digest": "ab", "returned_on": "2026-03-05"},
    ],
    ids=[
        "nothing", "half", "both", "no digest", "a provider's own", "no day", "day of an invoice",
        "day to approve",
    ],
)  # fmt: skip
def test_body_that_neither_proposes_nor_approves_is_refused(
    payout_id: int, finance: User, body: dict[str, Any]
) -> None:
    with nothing_changes():
        answer = client_of(finance).post(f"{ROOT}/{payout_id}/reverse", body)

    assert _outcome(answer) == (400, "invalid-request")


def test_day_of_the_return_is_kept_and_one_before_the_payment_refused(payout_id: int, finance: User) -> None:
    paid_at = Disbursement.objects.get().completed_at
    assert paid_at is not None
    paid_on = paid_at.astimezone(DAKAR).date()
    client, path = client_of(finance), f"{ROOT}/{payout_id}/reverse"

    with nothing_changes():
        early = client.post(path, {**PROPOSED, "returned_on": (paid_on - timedelta(days=1)).isoformat()})
    answer = client.post(path, {**PROPOSED, "returned_on": paid_on.isoformat()})

    assert _outcome(early) == (422, "return-date-out-of-range")
    assert answer.status_code == 202
    assert ReturnClaim.objects.get().returned_on == paid_on


def test_payout_that_is_not_completed_is_not_reversible(
    node: ScriptedRail, cycle: Cycle, finance: User
) -> None:
    node.is_unavailable = True
    _process(client_in(Role.PLATFORM), cycle)

    answer = client_of(finance).post(f"{ROOT}/{_payout('cycle-9').pk}/reverse", PROPOSED)

    assert _outcome(answer) == (409, "disbursement-not-reversible")


def test_payment_by_the_recipient_that_did_not_arrive_proves_nothing(payout_id: int, finance: User) -> None:
    body = {**PROPOSED, "kind": "inbound_payment", "reference": "ab" * 32}

    answer = client_of(finance).post(f"{ROOT}/{payout_id}/reverse", body)

    assert _outcome(answer) == (409, "return-unproven")


# Reopening


def _reopen(finance: User, approver: User) -> None:
    proposal = propose_reopening(
        cycle_id="cycle-9", reason="the winner gave a new invoice", proposer=finance, now=wall_clock()
    )
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=wall_clock())


def test_reversed_cycle_is_paid_again_only_after_two_people_reopened_it(
    reversed_payout: int, cycle: Cycle, node: ScriptedRail, finance: User, approver: User
) -> None:
    platform = client_in(Role.PLATFORM)
    assert _outcome(_process(platform, cycle)) == (409, "payout-reversed")

    _reopen(finance, approver)

    assert platform.get("/monetization/cycles/cycle-9").json()["status"] == "ready"
    assert CycleReopening.objects.get().payout_id == reversed_payout
    assert TrailEntry.objects.filter(subject="cycle:cycle-9", action="reopen").count() == 1
    again = invoice("again@node", 99_000)
    set_destination(cycle_id="cycle-9", destination=again, actor=ACTOR, now=wall_clock())
    assert _process(platform, cycle).status_code == 202
    second = _payout("cycle-9")
    assert (second.state, second.pk == reversed_payout) == ("completed", False)
    assert (owed(pot_of("cycle-9")), owed(PLATFORM_FEES)) == (0, 500_000)
    assert len(node.paid) == 2
    scope = AuditScope(now=wall_clock())
    assert [breach for one in INVARIANTS if not one.waiting for breach in one.find(scope)] == []


def test_cycle_whose_payout_was_not_reversed_is_not_reopened(payout_id: int, finance: User) -> None:
    with nothing_changes(), pytest.raises(CycleNotReversed):
        propose_reopening(cycle_id="cycle-9", reason="again", proposer=finance, now=wall_clock())


def test_cycle_is_reopened_once(reversed_payout: int, finance: User, approver: User) -> None:
    _reopen(finance, approver)

    with nothing_changes(), pytest.raises(CycleNotReversed):
        propose_reopening(cycle_id="cycle-9", reason="again", proposer=finance, now=wall_clock())


def test_reopening_needs_a_second_person(reversed_payout: int, finance: User) -> None:
    proposal = propose_reopening(cycle_id="cycle-9", reason="again", proposer=finance, now=wall_clock())

    with nothing_changes(), pytest.raises((approvals.ApproverIsProposer, approvals.NotAllowedToDecide)):
        approvals.approve(proposal_id=proposal.pk, approver=finance, digest=proposal.digest, now=wall_clock())
