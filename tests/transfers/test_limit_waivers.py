"""Waivers of limits: one person proposes, another approves, and both see the same payment."""

from datetime import timedelta
from typing import Any

import pytest

from sunusav.core import approvals
from sunusav.core.approvals import ApproverIsProposer, NotAllowedToDecide, ProposalFactsChanged
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.factories.limits import set_limit_to
from tests.factories.users import make_user
from tests.transfers.builders import (
    BY,
    NET_SATS,
    NOW,
    PAID,
    ordered,
    other_invoice,
    replace_destination,
    row_of,
    run,
    settle,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch
from tests.transfers.unchanged import unchanged
from transfers.enums import FailureClass
from transfers.errors import DisbursementMissing, DisbursementNotDeferred
from transfers.models import LimitUsage
from transfers.services.disbursements import cancel_disbursement, retry_disbursement
from transfers.services.limit_waivers import propose_waiver
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance() -> User:
    return make_user(Role.FINANCE)


@pytest.fixture
def approver() -> User:
    return make_user(Role.APPROVER)


@pytest.fixture
def too_much(node: SteeredRail, watch: Watch) -> int:
    """Return a payment above the limit per payout, under review."""
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)
    disbursement_id = ordered()
    run(watch)
    assert row_of(disbursement_id).state == "needs_review"
    return disbursement_id


def proposed(disbursement_id: int, finance: User) -> Proposal:
    return propose_waiver(
        disbursement_id=disbursement_id, proposer=finance, reason="I called the winner", now=NOW
    )


def approved(proposal: Proposal, approver: User) -> None:
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=NOW)


def test_waiver_by_two_people_pays_what_is_above_the_limit(
    too_much: int, finance: User, approver: User, watch: Watch
) -> None:
    proposal = proposed(too_much, finance)
    assert {name: proposal.facts[name] for name in ("subject", "net_sats", "payee", "rail")} == {
        "subject": "cycle:awa", "net_sats": NET_SATS, "payee": "cycle:awa", "rail": "lightning",
    }  # fmt: skip
    assert len(proposal.facts["destination_digest"]) == 64

    approved(proposal, approver)

    row = row_of(too_much)
    assert (row.state, row.waived_at, row.due_at, row.failure_code) == ("processing", NOW, NOW, "")
    line = TrailEntry.objects.get(subject=f"disbursement:{too_much}", action="except")
    assert (line.actor, line.reason, line.facts) == (
        approver,
        "",
        {"lifted": "payout-above-limit", "proposal": proposal.pk},
    )

    run(watch)

    assert snapshot(too_much) == PAID
    row = row_of(too_much)
    assert (row.admitted_at, row.admitted_by_version) == (NOW, None)
    assert LimitUsage.objects.get(kind="total_hour").used_msat == NET_SATS * 1_000


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("hour-limit", {}),
        ("payee-day-limit", {}),
        ("destination-cooling-off", {"destination_replaced_at": NOW}),
    ],
)
def test_waiver_ends_a_deferral(watch: Watch, finance: User, approver: User, code: str, changes: Any) -> None:
    kind = {"hour-limit": "total_hour", "payee-day-limit": "per_payee_day"}.get(code)
    if kind:
        set_limit_to(kind, NET_SATS, now=NOW)
        ordered("first", payee_ref="user:awa")
        run(watch)
    disbursement_id = ordered(payee_ref="user:awa", **changes)
    run(watch)
    assert (row_of(disbursement_id).state, row_of(disbursement_id).failure_code) == ("processing", code)

    approved(proposed(disbursement_id, finance), approver)
    run(watch)

    assert row_of(disbursement_id).state == "completed"


def test_waiver_is_approved_only_by_a_second_person_with_permission(too_much: int, finance: User) -> None:
    both = make_user(Role.FINANCE, is_superuser=True)
    own = proposed(too_much, both)

    with unchanged(), pytest.raises(ApproverIsProposer):
        approved(own, both)
    with unchanged(), pytest.raises(NotAllowedToDecide):
        approved(own, finance)


def test_waiver_is_proposed_only_by_finance(too_much: int, approver: User) -> None:
    with unchanged(), pytest.raises(NotAllowedToDecide):
        proposed(too_much, approver)


def test_waiver_for_another_destination_is_not_approved(too_much: int, finance: User, approver: User) -> None:
    proposal = proposed(too_much, finance)
    replace_destination(disbursement_id=too_much, destination=other_invoice("thief"), actor=BY, now=NOW)

    with unchanged(), pytest.raises(ProposalFactsChanged):
        approved(proposal, approver)


def test_waiver_ends_when_the_destination_changes(
    too_much: int, finance: User, approver: User, watch: Watch
) -> None:
    approved(proposed(too_much, finance), approver)

    replace_destination(disbursement_id=too_much, destination=other_invoice("thief"), actor=BY, now=NOW)
    run(watch)

    assert row_of(too_much).waived_at is None
    assert (row_of(too_much).state, row_of(too_much).failure_code) == ("needs_review", "payout-above-limit")


def test_waiver_is_valid_for_a_retry_of_the_same_payment(
    too_much: int, finance: User, approver: User, node: SteeredRail, watch: Watch
) -> None:

    approved(proposed(too_much, finance), approver)
    node.script.append(Refused(reason="strange", failure=FailureClass.REVIEW))
    run(watch)
    assert row_of(too_much).state == "needs_review"

    retry_disbursement(disbursement_id=too_much, actor=BY, reason="again", now=watch.at)
    settle(watch)

    assert row_of(too_much).state == "completed"


def test_waiver_takes_the_claim_of_a_worker(
    node: SteeredRail, watch: Watch, finance: User, approver: User
) -> None:
    disbursement_id = ordered(destination_replaced_at=NOW)
    run(watch)
    proposal = proposed(disbursement_id, finance)
    watch.at = NOW + timedelta(hours=24)
    node.meanwhile["prepare"] = lambda: approved(proposal, approver)

    run(watch)

    assert row_of(disbursement_id).state == "completed"
    assert node.sends == 1


def test_waiver_of_a_payment_that_is_not_deferred_is_refused(
    node: SteeredRail, watch: Watch, finance: User
) -> None:
    disbursement_id = ordered()
    with unchanged(), pytest.raises(DisbursementNotDeferred):
        proposed(disbursement_id, finance)
    run(watch)

    with unchanged(), pytest.raises(DisbursementNotDeferred):
        proposed(disbursement_id, finance)
    with unchanged(), pytest.raises(DisbursementMissing):
        proposed(disbursement_id + 1_000, finance)


def test_payment_cancelled_before_the_approval_is_not_revived(
    too_much: int, finance: User, approver: User
) -> None:
    proposal = proposed(too_much, finance)
    cancel_disbursement(disbursement_id=too_much, actor=BY, reason="called off", now=NOW)

    with unchanged(), pytest.raises(DisbursementNotDeferred):
        approved(proposal, approver)


def test_waiver_of_a_payment_under_way_is_refused(node: SteeredRail, watch: Watch, finance: User) -> None:
    disbursement_id = ordered(destination_replaced_at=NOW)
    run(watch)
    watch.at = NOW + timedelta(hours=24)
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    assert row_of(disbursement_id).attempts.get().state == "in_flight"

    with unchanged(), pytest.raises(DisbursementNotDeferred):
        proposed(disbursement_id, finance)
