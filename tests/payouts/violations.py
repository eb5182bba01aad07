"""Rows that break the constraints of groups' members, cycles and contributions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from payouts.models import (
    Contribution,
    Cycle,
    CycleReopening,
    MemberErasure,
    ProposedCorrection,
    ProposedDestination,
    ProposedRefund,
    Refund,
)
from payouts.services.endings import cancel_cycle
from payouts.services.erasure import propose_erasure
from payouts.services.reopening import propose_reopening
from sunusav.core.approvals import approve
from sunusav.core.roles import Role
from tests.factories.payouts import (
    ACTOR,
    NOW,
    MemberFactory,
    make_cycle,
    make_group,
    make_payable_cycle,
    pay_contribution,
    process,
)
from tests.factories.users import make_user
from tests.support.constraints import Violation
from tests.transfers.violations import booked, stored_copy
from transfers.engine.runner import run_due
from transfers.models import Attempt
from transfers.services.reversals import book_provider_reversal
from transfers.types import Reversed


def cycle() -> Cycle:
    return make_cycle(make_group(members=1))


def contribution() -> Contribution:
    return Contribution.objects.get(cycle=cycle())


def refund() -> Refund:
    return Refund.objects.create(
        user_id="user-0", amount_sats=1, reason="moved away", requested_by="finance", requested_at=NOW
    )


def proposed_refund() -> ProposedRefund:
    return ProposedRefund.objects.create(
        user_id="user-0", amount_sats=1, rail="lightning", kind="bolt11", sealed_value=b"", digest="0" * 64,
        reason="moved away", proposed_at=NOW,
    )  # fmt: skip


def proposed_destination() -> ProposedDestination:
    return ProposedDestination.objects.create(
        cycle=cycle(), winner_user_id="user-0", rail="lightning", kind="bolt11", sealed_value=b"",
        digest="0" * 64, proposed_at=NOW,
    )  # fmt: skip


def proposed_correction() -> ProposedCorrection:
    return ProposedCorrection.objects.create(user_id="user-0", sealed_name=b"name", proposed_at=NOW)


def returned_contribution() -> Contribution:
    """Return the contribution of a cycle of one member that was cancelled after it was paid."""
    row = cycle()
    pay_contribution(row, "user-0")
    cancel_cycle(cycle_id=row.pk, reason="dissolved", actor=ACTOR, now=NOW)
    return Contribution.objects.get(cycle=row)


def reopening() -> CycleReopening:
    """Return the reopening of a cycle of one member, whose payout of 10,000 sats was given back."""
    row = make_payable_cycle(make_group(members=1), net_sats=9_900)
    payout_id = process(row)
    run_due(slots=1, clock=lambda: NOW)
    attempt = Attempt.objects.get(disbursement_id=payout_id)
    found = Reversed("reversal-1", attempt.order.money(attempt.order.amount), NOW)
    assert book_provider_reversal(attempt.pk, found, now=NOW)
    proposal = propose_reopening(
        cycle_id=row.pk, reason="another wallet", proposer=make_user(Role.FINANCE), now=NOW
    )
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW)
    return CycleReopening.objects.get()


def another_reopening(row: CycleReopening, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy a reopening after another payout, by another proposal."""
    payout = stored_copy(
        row.payout, subject="cycle:another", assessment_id=None, hold_transaction_id=booked("hold")
    )
    return {"payout_id": payout.pk, "proposal_id": stored_copy(row.proposal).pk, **changes}


def shared_by_reopenings(column: str) -> Callable[[CycleReopening], dict[str, Any]]:
    return lambda row: another_reopening(row, **{column: getattr(row, column)})


def erasure() -> MemberErasure:
    """Return the erasure of the only member of a group."""
    user_id = MemberFactory.create().user_id
    proposal = propose_erasure(
        user_id=user_id, reason="asked for it", proposer=make_user(Role.FINANCE), now=NOW
    )
    approve(proposal_id=proposal.pk, approver=make_user(Role.APPROVER), digest=proposal.digest, now=NOW)
    return MemberErasure.objects.get()


def another_erasure(row: MemberErasure, **changes: Any) -> dict[str, Any]:
    """Return the changes that make a copy the erasure of another person, by another proposal."""
    return {"user_id": "another", "proposal_id": stored_copy(row.proposal).pk, **changes}


VIOLATIONS = [
    Violation(
        "membererasure_four_eyes", erasure, lambda row: another_erasure(row, approver_id=row.proposer_id)
    ),
    Violation(
        "payouts_membererasure.user_id", erasure, lambda row: another_erasure(row, user_id=row.user_id)
    ),
    Violation(
        "payouts_membererasure.proposal_id",
        erasure,
        lambda row: another_erasure(row, proposal_id=row.proposal_id),
    ),
    Violation(
        "cyclereopening_four_eyes", reopening, lambda row: another_reopening(row, approver_id=row.proposer_id)
    ),
    *(
        Violation(f"payouts_cyclereopening.{column}", reopening, shared_by_reopenings(column))
        for column in ("payout_id", "proposal_id")
    ),
    Violation("member_once_per_group", MemberFactory.create, {}),
    Violation(
        "member_leaves_after_joining",
        MemberFactory.create,
        {"user_id": "another", "left_at": NOW - timedelta(seconds=1)},
    ),
    Violation("cycle_index_used_once_per_group", cycle, {"id": "another"}),
    Violation("cycle_contribution_is_positive", cycle, {"contribution_sats": 0}),
    Violation("cycle_has_members", cycle, {"members_count": 0}),
    *(
        Violation("cycle_state_has_its_moments", cycle, changes)
        for changes in (
            {"state": "ready"},
            {"state": "ready", "ready_at": NOW},
            {"state": "ready", "ready_at": NOW, "settled_count": 0},
            {"state": "ready", "ready_at": NOW, "settled_count": 1, "cancelled_at": NOW},
            {"state": "cancelled", "cancelled_at": NOW},
            {"state": "cancelled", "settled_count": 0},
            {"ready_at": NOW},
            {"cancelled_at": NOW},
            {"settled_count": 1},
            {"state": "paid", "ready_at": NOW, "settled_count": 1},
        )
    ),
    Violation(
        "cycle_settled_are_members", cycle, {"state": "cancelled", "cancelled_at": NOW, "settled_count": 2}
    ),
    Violation("cycle_winner_replaced_once_ready", cycle, {"winner_replaced_at": NOW}),
    Violation("proposedcorrection_changes_something", proposed_correction, {"sealed_name": None}),
    Violation("refund_amount_is_positive", refund, {"amount_sats": 0}),
    *[
        Violation("proposeddestination_second_is_whole", proposed_destination, {name: value})
        for name, value in (
            ("second_rail", "lightning"),
            ("second_kind", "bolt11"),
            ("sealed_second", b"x"),
            ("second_digest", "0"),
        )
    ],
    Violation("proposedrefund_amount_is_positive", proposed_refund, {"amount_sats": 0}),
    Violation(
        "payouts_contribution.return_transaction_id",
        returned_contribution,
        {"user_id": "another"},
    ),
    Violation("cycle_destination_replaced_once_ready", cycle, {"destination_replaced_at": NOW}),
    Violation("cycle_destination_is_whole", cycle, {"destination_rail": "lightning"}),
    Violation(
        "cycle_destination_is_whole",
        cycle,
        {"destination_rail": "lightning", "destination_kind": "bolt11", "sealed_destination": b"x"},
    ),
    *(
        Violation("cycle_second_choice_is_whole", cycle, changes)
        for changes in (
            {"second_rail": "lightning"},
            {"second_replaced_at": NOW},
            # A second choice without a first one.
            {"second_rail": "lightning", "second_kind": "bolt11", "sealed_second": b"x"},
        )
    ),
    Violation("contribution_once_per_member_and_cycle", contribution, {}),
    Violation("contribution_amount_is_positive", contribution, {"amount_sats": 0}),
]
