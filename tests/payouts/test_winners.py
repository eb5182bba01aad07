"""The turn of a cycle is given to another member: until a payout exists, and with the wait of another payee."""

from datetime import timedelta

import pytest
from django.test import Client

from payouts.errors import CycleAlreadyPaid, CycleMissing, PayoutScheduledAlready, WinnerNotMember
from payouts.models import Cycle, Member
from payouts.services.cycles import set_destination
from payouts.services.endings import cancel_cycle
from payouts.services.payouts import schedule_payout
from payouts.services.proposals import propose_exchange
from payouts.services.winners import exchange_winner
from payouts.services.withdrawals import open_withdrawal_link, take_withdrawals
from sunusav.core.approvals import ProposalAlreadyOpen, approve
from sunusav.core.models import Proposal, TrailEntry
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter, enter
from tests.factories.limits import set_limit_to
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    process,
)
from tests.factories.users import make_user
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from transfers.engine.runner import run_due
from transfers.enums import LimitKind
from transfers.queries import disbursement, newest_withdrawal
from transfers.services.withdrawals import redeem_withdrawal

__all__ = ["enter"]

pytestmark = pytest.mark.django_db

DAY = timedelta(hours=24)


def exchange(cycle: Cycle, winner: str = "user-1") -> Cycle:
    exchange_winner(cycle_id=cycle.pk, winner_user_id=winner, reason="both agreed", actor=ACTOR, now=NOW)
    cycle.refresh_from_db()
    return cycle


def test_exchange_while_collecting_clears_the_destination_and_asks_for_no_wait() -> None:
    cycle = make_cycle(make_group(members=2))
    set_destination(
        cycle_id=cycle.pk, destination=invoice("awa", 19_800), second_choice=invoice("other", 19_800),
        actor=ACTOR, now=NOW,
    )  # fmt: skip

    exchange(cycle)

    assert (cycle.winner_user_id, cycle.winner_replaced_at) == ("user-1", None)
    assert (cycle.destinations, cycle.second_rail) == ((), "")
    for subject in (f"cycle:{cycle.pk}", "member:user-0", "member:user-1"):
        entry = TrailEntry.objects.get(subject=subject, action="exchange_winner")
        assert entry.reason == "both agreed"
        assert entry.facts == {
            "cycle_id": cycle.pk, "index": cycle.cycle_index, "from_winner": "user-0", "winner": "user-1",
        }  # fmt: skip


def test_exchange_to_the_present_winner_changes_nothing() -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    with nothing_changes():
        exchange(cycle, "user-0")


def test_exchange_once_ready_counts_as_another_payee(node: ScriptedRail) -> None:
    set_limit_to(LimitKind.REPLACED_DESTINATION, 1_000, now=NOW)
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    exchange(cycle)
    set_destination(
        cycle_id=cycle.pk, destination=invoice("user-1", 19_800), second_choice=invoice("again", 19_800),
        actor=ACTOR, now=NOW + timedelta(hours=1),
    )  # fmt: skip
    cycle.refresh_from_db()
    assert cycle.replaced_at == (NOW, NOW)

    payout_id = process(cycle, now=NOW + timedelta(hours=1))
    run_due(slots=1, clock=lambda: NOW + timedelta(hours=1))
    assert disbursement(payout_id).failure.code == "destination-cooling-off"
    run_due(slots=1, clock=lambda: NOW + DAY + timedelta(minutes=1))
    assert disbursement(payout_id).state == "completed"


def test_exchange_ends_a_link_that_the_earlier_winner_redeemed() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    secret = open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW).secret
    given = invoice("user-0", 19_800)
    redeem_withdrawal(secret=secret, kind=given.kind, value=given.value, now=NOW)

    exchange(cycle)

    link = newest_withdrawal(f"cycle:{cycle.pk}")
    assert (link.state, link.failure.code) == ("refused", "winner-exchanged")
    assert take_withdrawals(now=NOW) == 0
    again = open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW)
    redeem_withdrawal(secret=again.secret, kind="bolt11", value=invoice("user-1", 19_800).value, now=NOW)
    assert take_withdrawals(now=NOW) == 1
    cycle.refresh_from_db()
    assert cycle.replaced_at == (NOW,)


def test_exchange_to_somebody_without_a_contribution_is_refused() -> None:
    cycle = make_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(WinnerNotMember) as error:
        exchange(cycle, "nobody")
    assert error.value.facts == {"group_id": cycle.group_id, "winner_user_id": "nobody"}


def test_exchange_once_there_is_a_payout_is_refused() -> None:
    scheduled = make_payable_cycle(make_group(members=2), net_sats=19_800)
    schedule_payout(cycle_id=scheduled.pk, scheduled_at=NOW + DAY, actor=ACTOR, now=NOW)
    with nothing_changes(), pytest.raises(PayoutScheduledAlready):
        exchange(scheduled)
    paid = make_payable_cycle(make_group(members=2), net_sats=19_800)
    process(paid)
    run_due(slots=1, clock=lambda: NOW)
    with nothing_changes(), pytest.raises(CycleAlreadyPaid):
        exchange(paid)


def test_exchange_of_an_unknown_or_cancelled_cycle_is_refused() -> None:
    with pytest.raises(CycleMissing):
        exchange(Cycle(pk="nowhere"))
    cycle = make_cycle(make_group(members=2))
    cancel_cycle(cycle_id=cycle.pk, reason="dissolved", actor=ACTOR, now=NOW)
    with nothing_changes(), pytest.raises(Exception, match="cancelled"):
        exchange(cycle)


def test_page_of_both_members_shows_the_exchange(enter: Enter) -> None:
    sync_roles()
    exchange(make_cycle(make_group(members=2)))
    client: Client = enter(Role.AUDITOR)
    for user_id in ("user-0", "user-1"):
        member = Member.objects.get(user_id=user_id)
        page = client.get(f"/admin/payouts/member/{member.pk}/change/").content.decode()
        assert "both agreed" in page


def test_proposal_to_exchange_is_made_once_until_what_it_showed_has_changed() -> None:
    cycle, proposer = make_cycle(make_group(members=3)), make_user(Role.FINANCE)

    def proposed(winner: str) -> Proposal:
        return propose_exchange(
            cycle_id=cycle.pk, winner_user_id=winner, reason="agreed", proposer=proposer, now=NOW
        )

    first = proposed("user-1")
    with nothing_changes(), pytest.raises(ProposalAlreadyOpen):
        proposed("user-2")
    exchange(cycle, "user-2")

    second = proposed("user-1")

    first.refresh_from_db()
    assert (first.state, second.facts["from_winner"]) == ("withdrawn", "user-2")
    approve(proposal_id=second.pk, approver=make_user(Role.APPROVER), digest=second.digest, now=NOW)
    cycle.refresh_from_db()
    assert cycle.winner_user_id == "user-1"
