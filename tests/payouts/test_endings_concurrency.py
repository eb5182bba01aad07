"""Thirty-two callers over one cycle and one member's credit, each on its own connection: the books always balance."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ledger.queries import owed
from payouts.calculations import contribution_subject, pot_of
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import contribution
from payouts.queries.cycles import cycle as cycle_facts
from payouts.services.contributions import open_contribution
from payouts.services.endings import cancel_cycle, close_cycle_short
from payouts.services.refunds import request_refund
from payouts.services.winners import exchange_winner
from sunusav.core.models import TrailEntry
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    pay_contribution,
    process,
)
from tests.fakes.rail import ScriptedRail, invoice
from tests.payouts.test_endings import breaches
from tests.support.at_once import at_once
from transfers.credit_queries import credit_msat, credit_used_for
from transfers.engine.runner import run_due
from transfers.models import Collection, Disbursement
from transfers.services.receipts import record_receipt

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

Call = Callable[[], Any]


def cancelling(cycle: Cycle) -> Call:
    return lambda: cancel_cycle(cycle_id=cycle.pk, reason="dissolved", actor=ACTOR, now=NOW)


def closing(cycle: Cycle) -> Call:
    return lambda: close_cycle_short(cycle_id=cycle.pk, reason="one left", actor=ACTOR, now=NOW)


def exchanging(cycle: Cycle) -> Call:
    return lambda: exchange_winner(
        cycle_id=cycle.pk, winner_user_id="user-1", reason="agreed", actor=ACTOR, now=NOW
    )


def opening(cycle: Cycle, user_id: str) -> Call:
    return lambda: open_contribution(
        cycle_id=cycle.pk, user_id=user_id, method="lightning", actor=ACTOR, now=NOW
    )


def settling(cycle: Cycle, user_id: str) -> Call:
    """Open a request; return the call that settles it."""
    owed_by = open_contribution(
        cycle_id=cycle.pk, user_id=user_id, method="lightning", use_credit=False, actor=ACTOR, now=NOW
    )
    row = Collection.objects.get(subject=contribution_subject(owed_by.id))
    assert row.reference is not None
    reference, asked = row.reference, row.asked
    return lambda: record_receipt(
        method="lightning", reference=reference, received=asked, proof="00" * 32, received_at=NOW, now=NOW
    )


def refunding(user_id: str, amount_sats: int, number: int) -> Call:
    wallet = invoice(f"wallet-{number}", amount_sats)
    return lambda: request_refund(
        user_id=user_id, amount_sats=amount_sats, destination=wallet, reason="left", actor=ACTOR, now=NOW
    )


def credited(user_id: str, sats: int) -> None:
    """Give a member credit: a contribution to a cycle that is cancelled."""
    cycle = make_cycle(make_group(members=2), contribution_sats=sats)
    pay_contribution(cycle, user_id)
    cancelling(cycle)()


def total_credit(*users: str) -> int:
    return sum(credit_msat(user) for user in users)


@pytest.mark.parametrize("end", [cancelling, closing])
def test_end_while_every_member_pays_loses_and_doubles_nothing(end: Callable[[Cycle], Call]) -> None:
    cycle = make_cycle(make_group(members=8))
    users = [f"user-{number}" for number in range(8)]
    pay_contribution(cycle, "user-0")
    calls = [settling(cycle, user) for user in users[1:]]

    at_once([*calls, *calls, *[end(cycle)] * 4])

    facts = cycle_facts(cycle.pk)
    held = owed(pot_of(cycle.pk))
    assert held + total_credit(*users) == 80_000_000
    expected = 0 if facts.status == "cancelled" else facts.contributions_settled * 10_000_000
    assert held == expected
    ended = TrailEntry.objects.filter(
        subject=f"cycle:{cycle.pk}", action__in=("cancel", "close_short", "complete")
    )
    assert ended.count() == 1
    assert breaches() == []


def test_cancel_while_others_process_exchange_and_cancel_is_one_of_them(node: ScriptedRail) -> None:
    for _ in range(3):
        cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
        at_once([*[partial(process, cycle)] * 12, *[cancelling(cycle)] * 12, *[exchanging(cycle)] * 8])

        status = cycle_facts(cycle.pk).status
        payouts = Disbursement.objects.filter(subject=f"cycle:{cycle.pk}").count()
        assert (status, payouts) in {("cancelled", 0), ("paying", 1)}
        assert owed(pot_of(cycle.pk)) == 0
        run_due(slots=2, clock=lambda: NOW)
        assert breaches() == []


def test_credit_is_used_or_refunded_and_never_twice() -> None:
    """Credit of 10,000 sats; five requests ask for 4,000 each and many refunds for 3,000: what fits, once."""
    credited("user-0", 10_000)
    group = make_group(members=2)
    cycles = [make_cycle(group, contribution_sats=4_000) for _ in range(5)]
    refunds = [refunding("user-0", 3_000, number) for number in range(12)]

    answers = at_once([*[opening(cycle, "user-0") for cycle in cycles for _ in range(4)], *refunds])

    refunded = 3_000_000 * sum(isinstance(answer, int) for answer in answers)
    rows = Contribution.objects.filter(cycle__in=cycles, user_id="user-0")
    used = sum(credit_used_for(contribution_subject(row.pk) for row in rows).values())
    left = credit_msat("user-0")
    assert refunded + used + left == 10_000_000
    assert left < 3_000_000
    for cycle in cycles:
        owed_by = contribution(cycle.pk, "user-0")
        asked = Collection.objects.filter(live_subject=contribution_subject(owed_by.id)).first()
        rest = asked.due if asked else 0
        assert owed_by.credit_used_sats * 1_000 + rest == 4_000_000
    assert breaches() == []


def test_thirty_two_requests_for_one_contribution_use_its_credit_once() -> None:
    credited("user-0", 10_000)
    cycle = make_cycle(make_group(members=2), contribution_sats=4_000)

    at_once([opening(cycle, "user-0")] * 32)

    assert (contribution(cycle.pk, "user-0").status, credit_msat("user-0")) == ("settled", 6_000_000)
    assert breaches() == []


def test_open_while_the_cycle_is_cancelled_leaves_no_live_request() -> None:
    for _ in range(4):
        cycle = make_cycle(make_group(members=4))
        pay_contribution(cycle, "user-0")
        users = ["user-1", "user-2", "user-3"]

        at_once([*[opening(cycle, user) for user in users for _ in range(4)], *[cancelling(cycle)] * 4])

        subjects = [contribution_subject(row.pk) for row in Contribution.objects.filter(cycle=cycle)]
        live = Collection.objects.filter(live_subject__in=subjects).exclude(state="settled")
        assert (cycle_facts(cycle.pk).status, live.count(), owed(pot_of(cycle.pk))) == ("cancelled", 0, 0)
    assert breaches() == []
