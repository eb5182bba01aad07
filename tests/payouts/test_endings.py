"""Cycles that end early, by numbers worked by hand: three members owe 10,000 sats each, and two have paid."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import Settings

from fees.errors import NetNotPositive
from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.types import AccountRef
from payouts.calculations import contribution_subject, pot_of
from payouts.enums import ContributionStatus
from payouts.errors import (
    ContributionMissed,
    CycleAlreadyPaid,
    CycleCancelled,
    CycleMissing,
    CycleNotCollecting,
    PayoutFailed,
    PayoutNeedsReview,
    PayoutReversed,
    PayoutScheduledAlready,
    PayoutUnderWay,
)
from payouts.invariants import INVARIANTS
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import contribution
from payouts.queries.cycles import cycle as cycle_facts
from payouts.queries.outstanding import outstanding
from payouts.queries.payouts import payout
from payouts.queries.refunds import refund
from payouts.receipts import receipt_of
from payouts.services.contributions import cancel_contribution, open_contribution
from payouts.services.cycles import record_ready_cycles, set_destination
from payouts.services.endings import cancel_cycle, close_cycle_short
from payouts.services.payouts import cancel_payout, schedule_payout
from payouts.services.refunds import request_refund
from payouts.services.withdrawals import open_withdrawal_link, take_withdrawals
from payouts.types import ContributionFacts
from sunusav.core.auditing import AuditScope
from sunusav.core.models import OutboxMessage, TrailEntry
from sunusav.core.roles import Role
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_cycle,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    pay_contribution,
    process,
)
from tests.factories.users import make_user
from tests.fakes.collector import ScriptedCollector
from tests.fakes.rail import ROUTING_FEE_MSAT, ScriptedRail, invoice
from tests.payouts.unchanged import nothing_changes
from transfers.collectors import collector
from transfers.credit_queries import credit_msat, live_credit_use
from transfers.engine.runner import run_due
from transfers.enums import FailureClass
from transfers.invariants import INVARIANTS as TRANSFER_INVARIANTS
from transfers.models import Attempt, Collection
from transfers.queries import disbursement_for, newest_withdrawal
from transfers.services.collections import sweep_collections
from transfers.services.receipts import record_receipt
from transfers.services.reversals import book_provider_reversal
from transfers.services.withdrawals import redeem_withdrawal
from transfers.types import Refused, Reversed, Unknown

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
End = Callable[[str], None]


def cancel(cycle_id: str) -> None:
    cancel_cycle(cycle_id=cycle_id, reason="the group has dissolved", actor=ACTOR, now=NOW)


def close_short(cycle_id: str) -> None:
    close_cycle_short(cycle_id=cycle_id, reason="one cannot pay", actor=ACTOR, now=NOW)


def two_of_three_paid() -> Cycle:
    cycle = make_cycle(make_group(members=3))
    pay_contribution(cycle, "user-0")
    pay_contribution(cycle, "user-1")
    return cycle


def request(
    cycle: Cycle, user_id: str, *, method: str = "lightning", use_credit: bool = True
) -> ContributionFacts:
    return open_contribution(
        cycle_id=cycle.pk, user_id=user_id, method=method, actor=ACTOR, now=NOW, use_credit=use_credit
    )


def collection_of(owed_by: ContributionFacts) -> Collection:
    return Collection.objects.filter(subject=contribution_subject(owed_by.id)).latest("pk")


def pay(row: Collection, amount: int | None = None) -> None:
    received = row.asked if amount is None else type(row.asked)(amount, row.asked.currency)
    assert row.reference is not None
    record_receipt(
        method=row.method,
        reference=row.reference,
        received=received,
        proof="00" * 32,
        received_at=NOW,
        now=NOW,
    )


def pay_out(cycle: Cycle, name: str, net_sats: int) -> int:
    set_destination(cycle_id=cycle.pk, destination=invoice(name, net_sats), actor=ACTOR, now=NOW)
    payout_id = process(cycle)
    run_due(slots=1, clock=lambda: NOW)
    return payout_id


def credit_of_users(*users: str) -> list[int]:
    return [credit_msat(user) for user in users]


def breaches() -> list[str]:
    scopes = (AuditScope(now=NOW), AuditScope(now=NOW, since=NOW - HOUR))
    rules = [*INVARIANTS, *TRANSFER_INVARIANTS]
    return [
        f"{found.invariant} {found.subject}: {found.detail}"
        for scope in scopes
        for rule in rules
        if not rule.waiting
        for found in rule.find(scope)
    ]


# Cancelled


def test_cancel_returns_what_two_of_three_paid_and_empties_the_pot(
    till: ScriptedCollector, settings: Settings
) -> None:
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example"
    cycle = two_of_three_paid()
    asked = collection_of(request(cycle, "user-2"))

    cancel(cycle.pk)

    facts = cycle_facts(cycle.pk)
    assert (facts.status, facts.contributions_settled, facts.is_short) == ("cancelled", 2, False)
    assert credit_of_users("user-0", "user-1", "user-2") == [10_000_000, 10_000_000, 0]
    assert owed(pot_of(cycle.pk)) == 0
    statuses = [contribution(cycle.pk, user).status for user in ("user-0", "user-1", "user-2")]
    assert statuses == ["returned", "returned", "missed"]
    asked.refresh_from_db()
    assert (asked.state, asked.live_subject, asked.ask_at) == ("withdrawn", None, NOW)
    assert contribution(cycle.pk, "user-2").payment_request == ""
    assert asked.reference in till.requests
    entry = TrailEntry.objects.get(subject=f"cycle:{cycle.pk}", action="cancel")
    assert (entry.from_state, entry.to_state, entry.reason) == (
        "collecting", "cancelled", "the group has dissolved",
    )  # fmt: skip
    assert entry.facts == {"settled": 2, "members": 3, "returned_sats": 20_000}
    message = OutboxMessage.objects.get(topic="cycle.cancelled")
    assert message.payload["returned_sats"] == 20_000
    assert breaches() == []


def test_sweep_has_the_collector_cancel_what_was_withdrawn(till: ScriptedCollector) -> None:
    cycle = two_of_three_paid()
    asked = collection_of(request(cycle, "user-2"))
    cancel(cycle.pk)

    till.is_unavailable = True
    assert sweep_collections(now=NOW) == 0
    asked.refresh_from_db()
    assert asked.ask_at == NOW + timedelta(minutes=1)
    till.is_unavailable = False
    assert sweep_collections(now=NOW + timedelta(minutes=1)) == 1

    assert Collection.objects.get(pk=asked.pk).ask_at is None
    assert till.asked_to_cancel == [asked.reference]


def test_payment_of_a_withdrawn_request_becomes_credit(till: ScriptedCollector) -> None:
    cycle = two_of_three_paid()
    asked = collection_of(request(cycle, "user-2"))
    cancel(cycle.pk)

    assert asked.reference is not None
    till.received[asked.reference] = 10_000_000
    sweep_collections(now=NOW)

    assert credit_of_users("user-2") == [10_000_000]
    assert (owed(pot_of(cycle.pk)), contribution(cycle.pk, "user-2").status) == (0, "missed")
    asked.refresh_from_db()
    assert (asked.state, asked.ask_at) == ("withdrawn", None)
    assert breaches() == []


def test_cancel_credits_the_parts_of_a_request_that_was_paid_in_part() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0", received_msat=3_000_001)

    cancel(cycle.pk)

    assert credit_of_users("user-0") == [3_000_001]
    assert contribution(cycle.pk, "user-0").status == ContributionStatus.MISSED
    assert breaches() == []


def test_cancel_keeps_what_was_overpaid_and_returns_the_rest() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0", received_msat=10_000_700)

    cancel(cycle.pk)

    assert credit_of_users("user-0") == [10_000_700]
    assert breaches() == []


def test_cancel_of_a_ready_cycle_closes_its_link_and_ends_its_redemption() -> None:
    ready = make_ready_cycle(make_group(members=2))
    secret = open_withdrawal_link(cycle_id=ready.pk, actor=ACTOR, now=NOW).secret
    given = invoice("awa", 19_800)
    redeem_withdrawal(secret=secret, kind=given.kind, value=given.value, now=NOW)

    cancel(ready.pk)

    link = newest_withdrawal(f"cycle:{ready.pk}")
    assert (link.state, link.failure.code) == ("refused", "cycle-cancelled")
    assert take_withdrawals(now=NOW) == 0
    assert credit_of_users("user-0", "user-1") == [10_000_000, 10_000_000]
    assert breaches() == []


def test_cancel_revokes_a_link_that_nobody_redeemed() -> None:
    ready = make_ready_cycle(make_group(members=2))
    open_withdrawal_link(cycle_id=ready.pk, actor=ACTOR, now=NOW)
    cancel(ready.pk)
    assert newest_withdrawal(f"cycle:{ready.pk}").state == "revoked"


def test_cancel_after_a_cancelled_payout_returns_the_whole_pot() -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    schedule_payout(cycle_id=cycle.pk, scheduled_at=NOW + HOUR, actor=ACTOR, now=NOW)
    with nothing_changes(), pytest.raises(PayoutScheduledAlready):
        cancel(cycle.pk)
    payout_id = cycle_payout(cycle)
    cancel_payout(payout_id=payout_id, user=make_user(Role.FINANCE), reason="wrong day", now=NOW)

    cancel(cycle.pk)

    assert (cycle_facts(cycle.pk).status, payout(payout_id).status) == ("cancelled", "cancelled")
    assert credit_of_users("user-0", "user-1") == [10_000_000, 10_000_000]
    assert breaches() == []


def cycle_payout(cycle: Cycle) -> int:
    found = disbursement_for(f"cycle:{cycle.pk}")
    assert found is not None
    return found.id


def completed(cycle: Cycle, node: ScriptedRail) -> None:
    process(cycle)
    run_due(slots=1, clock=lambda: NOW)


def in_flight(cycle: Cycle, node: ScriptedRail) -> None:
    node.script.append(Unknown(seen=True, reason="in flight"))
    completed(cycle, node)


def failed(cycle: Cycle, node: ScriptedRail) -> None:
    node.script.append(Refused(reason="no route", failure=FailureClass.FINAL))
    completed(cycle, node)


def in_review(cycle: Cycle, node: ScriptedRail) -> None:
    node.script.append(Refused(reason="odd", failure=FailureClass.REVIEW))
    completed(cycle, node)


def reversed_(cycle: Cycle, node: ScriptedRail) -> None:
    completed(cycle, node)
    attempt = Attempt.objects.get(disbursement__subject=f"cycle:{cycle.pk}")
    found = Reversed("reversal-1", attempt.order.money(attempt.order.amount), NOW)
    assert book_provider_reversal(attempt.pk, found, now=NOW)


@pytest.mark.parametrize(
    ("arrange", "refusal"),
    [
        (completed, CycleAlreadyPaid),
        (in_flight, PayoutUnderWay),
        (failed, PayoutFailed),
        (in_review, PayoutNeedsReview),
        (reversed_, PayoutReversed),
    ],
)
def test_cancel_of_a_cycle_whose_payout_was_or_may_be_paid_is_refused(
    arrange: Callable[[Cycle, ScriptedRail], None], refusal: type[Exception], node: ScriptedRail
) -> None:
    cycle = make_payable_cycle(make_group(members=2), net_sats=19_800)
    arrange(cycle, node)
    with nothing_changes(), pytest.raises(refusal):
        cancel(cycle.pk)


# Closed short


def test_close_short_pays_the_pot_of_two_and_credits_the_third_who_pays_late(settings: Settings) -> None:
    """20,000 without a discount: fee 200 = 100 + 40 + 60, net 19,800."""
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example"
    cycle = two_of_three_paid()
    late = collection_of(request(cycle, "user-2"))

    close_short(cycle.pk)

    facts = cycle_facts(cycle.pk)
    assert (facts.status, facts.contributions_settled, facts.members_count, facts.is_short) == (
        "ready", 2, 3, True,
    )  # fmt: skip
    assert (facts.payout_total_sats, contribution(cycle.pk, "user-2").status) == (20_000, "missed")
    payout_id = pay_out(cycle, "awa", 19_800)
    receipt = receipt_of(payout_id)
    split = receipt.split
    assert (receipt.payout_total_sats, split.fee_sats, split.net_sats) == (20_000, 200, 19_800)
    assert (split.platform_sats, split.community_sats, split.partner_sats) == (100, 40, 60)
    assert (receipt.contributions_settled, receipt.contributions_due, receipt.is_short) == (2, 3, True)
    pay(late)
    assert credit_of_users("user-0", "user-1", "user-2") == [0, 0, 10_000_000]
    entry = TrailEntry.objects.get(subject=f"cycle:{cycle.pk}", action="close_short")
    assert (entry.facts, entry.reason) == ({"settled": 2, "members": 3}, "one cannot pay")
    ready = OutboxMessage.objects.get(topic="cycle.ready")
    assert (ready.payload["is_short"], ready.payload["payout_total_sats"]) == (True, 20_000)
    assert breaches() == []


def test_close_short_with_nothing_left_after_the_fee_is_refused() -> None:
    cycle = make_cycle(make_group(members=2), contribution_sats=1)
    pay_contribution(cycle, "user-0")
    with nothing_changes(), pytest.raises(NetNotPositive) as error:
        close_short(cycle.pk)
    assert error.value.facts == {"payout_sats": 1, "fee_sats": 1}


def test_close_short_before_anybody_paid_is_refused() -> None:
    cycle = make_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(NetNotPositive):
        close_short(cycle.pk)


def test_close_short_of_a_ready_cycle_is_refused() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    with nothing_changes(), pytest.raises(CycleNotCollecting):
        close_short(cycle.pk)


def test_close_short_once_everybody_has_paid_is_not_short() -> None:
    cycle = make_cycle(make_group(members=2))
    pay_contribution(cycle, "user-0")
    pay_contribution(cycle, "user-1")
    close_short(cycle.pk)
    assert (cycle_facts(cycle.pk).is_short, record_ready_cycles(now=NOW)) == (False, 0)
    assert TrailEntry.objects.filter(subject=f"cycle:{cycle.pk}", action="complete").exists()


def test_close_short_then_cancel_returns_what_was_paid() -> None:
    cycle = two_of_three_paid()
    close_short(cycle.pk)
    cancel(cycle.pk)
    assert credit_of_users("user-0", "user-1", "user-2") == [10_000_000, 10_000_000, 0]
    assert breaches() == []


# Both


@pytest.mark.parametrize("end", [cancel, close_short])
def test_end_of_an_unknown_cycle_is_refused(end: End) -> None:
    with pytest.raises(CycleMissing):
        end("nowhere")


@pytest.mark.parametrize("end", [cancel, close_short])
def test_end_of_a_cancelled_cycle_is_refused(end: End) -> None:
    cycle = two_of_three_paid()
    cancel(cycle.pk)
    with nothing_changes(), pytest.raises(CycleCancelled):
        end(cycle.pk)


@pytest.mark.parametrize("end", [cancel, close_short])
def test_request_for_a_contribution_of_an_ended_cycle_is_refused(end: End) -> None:
    cycle = two_of_three_paid()
    end(cycle.pk)
    with nothing_changes(), pytest.raises(ContributionMissed):
        request(cycle, "user-2")


def test_cancelled_cycle_takes_no_destination_no_payout_and_no_link() -> None:
    cycle = make_ready_cycle(make_group(members=2))
    cancel(cycle.pk)
    refused: list[Callable[[], object]] = [
        lambda: set_destination(cycle_id=cycle.pk, destination=invoice("awa", 19_800), actor=ACTOR, now=NOW),
        lambda: process(cycle),
        lambda: schedule_payout(cycle_id=cycle.pk, scheduled_at=None, actor=ACTOR, now=NOW),
        lambda: open_withdrawal_link(cycle_id=cycle.pk, actor=ACTOR, now=NOW),
    ]
    for act in refused:
        with nothing_changes(), pytest.raises(CycleCancelled):
            act()


@pytest.mark.parametrize("end", [cancel, close_short])
def test_end_withdraws_a_request_whose_opening_was_never_recorded(end: End, till: ScriptedCollector) -> None:
    """The process died between the intent and the collector's answer: the collector is asked by our own reference."""
    cycle = two_of_three_paid()
    till.is_unavailable = True
    with pytest.raises(Exception, match="unavailable"):
        request(cycle, "user-2")
    till.is_unavailable = False
    row = Collection.objects.get(state="pending")

    end(cycle.pk)
    sweep_collections(now=NOW)

    row.refresh_from_db()
    assert (row.state, row.reference, row.ask_at) == ("withdrawn", till.reference_of(row.pk), None)


def test_end_withdraws_a_request_whose_reference_only_the_provider_knows() -> None:
    wave = collector("wave")
    assert isinstance(wave, ScriptedCollector)
    cycle = two_of_three_paid()
    wave.is_unavailable = True
    with pytest.raises(Exception, match="unavailable"):
        request(cycle, "user-2", method="wave")
    wave.is_unavailable = False
    row = Collection.objects.get(state="pending")

    cancel(cycle.pk)
    # Until the provider was asked, the payer's phone is needed: it must not be erased.
    assert outstanding("user-2").open_requests == 1
    sweep_collections(now=NOW)
    assert outstanding("user-2").open_requests == 0

    row.refresh_from_db()
    assert (row.state, row.ask_at) == ("withdrawn", None)
    assert wave.asked_to_cancel == [row.reference]


def test_request_that_is_opened_while_its_cycle_is_cancelled_is_refused_and_cancelled(
    till: ScriptedCollector,
) -> None:
    cycle = two_of_three_paid()
    till.before_answering = lambda: cancel(cycle.pk)

    with pytest.raises(ContributionMissed):
        request(cycle, "user-2")

    till.before_answering = None
    row = Collection.objects.latest("pk")
    assert (row.state, row.ask_at) == ("withdrawn", NOW)
    sweep_collections(now=NOW)
    assert till.asked_to_cancel == [row.reference]
    assert breaches() == []


# Credit pays first


def test_next_cycle_is_settled_by_credit_and_the_rest_stays() -> None:
    """Of 10,000 of credit, 4,000 settle the next contribution at once, and 6,000 remain."""
    cycle = two_of_three_paid()
    cancel(cycle.pk)
    following = make_cycle(cycle.group, contribution_sats=4_000)

    settled = request(following, "user-0")

    assert (settled.status, settled.credit_used_sats, settled.payment_request) == ("settled", 4_000, "")
    assert (settled.settled_at, Collection.objects.filter(subject=f"contribution:{settled.id}").count()) == (
        NOW,
        0,
    )
    assert credit_of_users("user-0") == [6_000_000]
    assert owed(pot_of(following.pk)) == 4_000_000
    assert breaches() == []


def test_request_asks_for_what_credit_does_not_cover_and_returns_it_when_cancelled() -> None:
    """Credit of 4,000.7 sats pays 4,000 of 10,000; the invoice asks for 6,000; 0.7 sats stay."""
    group = make_group(members=2)
    first = make_cycle(group, contribution_sats=4_000)
    pay_contribution(first, "user-0", received_msat=4_000_700)
    cancel(first.pk)
    cycle = make_cycle(group)

    owed_now = request(cycle, "user-0")

    assert (owed_now.status, owed_now.credit_used_sats) == ("invoiced", 4_000)
    row = collection_of(owed_now)
    assert (row.asked.amount, credit_of_users("user-0"), owed(pot_of(cycle.pk))) == (
        6_000_000,
        [700],
        4_000_000,
    )
    assert request(cycle, "user-0") == owed_now
    assert breaches() == []
    cancel_contribution(
        cycle_id=cycle.pk, contribution_id=owed_now.id, actor=ACTOR, reason="another method", now=NOW
    )
    assert (credit_of_users("user-0"), owed(pot_of(cycle.pk))) == ([4_000_700], 0)
    assert live_credit_use(f"contribution:{owed_now.id}") is None
    assert breaches() == []


def test_request_paid_with_credit_and_invoice_is_settled_and_cancelled_whole() -> None:
    group = make_group(members=2)
    first = make_cycle(group, contribution_sats=4_000)
    pay_contribution(first, "user-0")
    cancel(first.pk)
    cycle = make_cycle(group)
    pay(collection_of(request(cycle, "user-0")))
    assert contribution(cycle.pk, "user-0").status == "settled"
    assert (credit_of_users("user-0"), owed(pot_of(cycle.pk))) == ([0], 10_000_000)
    pay_contribution(cycle, "user-1")
    assert record_ready_cycles(now=NOW) == 1
    assert breaches() == []

    cancel(cycle.pk)

    assert (credit_of_users("user-0", "user-1"), owed(pot_of(cycle.pk))) == ([10_000_000, 10_000_000], 0)
    assert contribution(cycle.pk, "user-0").status == "returned"
    assert breaches() == []


def test_credit_of_a_request_that_expires_comes_back(till: ScriptedCollector) -> None:
    group = make_group(members=2)
    first = make_cycle(group, contribution_sats=4_000)
    pay_contribution(first, "user-0")
    cancel(first.pk)
    row = collection_of(request(make_cycle(group), "user-0"))
    assert (credit_of_users("user-0"), row.expires_at) == ([0], NOW + timedelta(hours=24))

    till.over.add(str(row.reference))
    sweep_collections(now=NOW + timedelta(days=2))

    row.refresh_from_db()
    assert (row.state, credit_of_users("user-0")) == ("expired", [4_000_000])
    assert breaches() == []


def test_request_without_credit_leaves_it_alone() -> None:
    cycle = two_of_three_paid()
    cancel(cycle.pk)
    asked = request(make_cycle(cycle.group), "user-0", use_credit=False)
    assert (asked.credit_used_sats, collection_of(asked).asked.amount) == (0, 10_000_000)
    assert credit_of_users("user-0") == [10_000_000]


@pytest.mark.parametrize("end", [cancel, close_short])
def test_end_of_a_cycle_returns_the_credit_of_a_request_that_was_not_paid(end: End) -> None:
    group = make_group(members=3)
    first = make_cycle(group, contribution_sats=4_000)
    pay_contribution(first, "user-0")
    cancel(first.pk)
    cycle = make_cycle(group)
    request(cycle, "user-0")
    pay_contribution(cycle, "user-1")

    end(cycle.pk)

    assert credit_of_users("user-0") == [4_000_000]
    assert (contribution(cycle.pk, "user-0").status, contribution(cycle.pk, "user-0").credit_used_sats) == (
        "missed", 0,
    )  # fmt: skip
    assert breaches() == []


def test_cycle_that_credit_pays_in_full_becomes_ready_and_is_paid() -> None:
    group = make_group(members=2)
    first = make_ready_cycle(group)
    cancel(first.pk)
    cycle = make_cycle(group)
    request(cycle, "user-0")
    request(cycle, "user-1")
    assert record_ready_cycles(now=NOW) == 1
    assert Contribution.objects.filter(cycle=cycle).count() == 2
    pay_out(cycle, "awa", 19_800)
    assert cycle_facts(cycle.pk).status == "paid"
    assert breaches() == []


# The worked example of docs/cycles.md, from its beginning to its end


def test_two_paid_one_is_settled_by_credit_and_the_other_refunded_and_asked_again(node: ScriptedRail) -> None:
    """Two of three paid 10,000; cancelled. Of the next 4,000 credit pays one; the other is refunded 10,000 first."""
    cycle = two_of_three_paid()
    cancel(cycle.pk)
    assert (credit_of_users("user-0", "user-1", "user-2"), owed(pot_of(cycle.pk))) == (
        [10_000_000, 10_000_000, 0], 0,
    )  # fmt: skip
    following = make_cycle(cycle.group, contribution_sats=4_000)

    first = request(following, "user-0")
    assert (first.status, first.credit_used_sats, credit_of_users("user-0")) == (
        "settled",
        4_000,
        [6_000_000],
    )

    wallet = invoice("user-1", 10_000)
    refund_id = request_refund(
        user_id="user-1", amount_sats=10_000, destination=wallet, reason="left", actor=ACTOR, now=NOW
    )
    run_due(slots=1, clock=lambda: NOW)
    assert refund("user-1", refund_id).status == "completed"
    assert list(node.paid.values()) == [10_000_000]
    assert balance(AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)) == ROUTING_FEE_MSAT
    assert credit_of_users("user-1") == [0]

    second = request(following, "user-1")
    assert (second.status, second.credit_used_sats) == ("invoiced", 0)
    assert collection_of(second).asked.amount == 4_000_000
    assert breaches() == []


# What a review found


def test_contribution_that_credit_covers_after_an_expired_request_shows_no_request(
    till: ScriptedCollector,
) -> None:
    """The request of 10,000 expires and is paid late: that credit settles the contribution at the next request."""
    cycle = make_cycle(make_group(members=2))
    expired = collection_of(request(cycle, "user-0"))
    till.over.add(str(expired.reference))
    later = NOW + timedelta(days=2)
    sweep_collections(now=later)
    pay(expired)
    assert credit_of_users("user-0") == [10_000_000]

    settled = open_contribution(
        cycle_id=cycle.pk, user_id="user-0", method="lightning", actor=ACTOR, now=later
    )

    assert (settled.status, settled.settled_at, settled.credit_used_sats) == ("settled", later, 10_000)
    assert (settled.payment_request, settled.method, settled.expires_at) == ("", "", None)
    assert breaches() == []


def test_credit_of_a_request_that_was_never_opened_comes_back(till: ScriptedCollector) -> None:
    """The worker died between the intent and the collector: a day later the request is withdrawn."""
    group = make_group(members=2)
    first = make_cycle(group, contribution_sats=4_000)
    pay_contribution(first, "user-0")
    cancel(first.pk)
    till.is_unavailable = True
    with pytest.raises(Exception, match="unavailable"):
        request(make_cycle(group), "user-0")
    till.is_unavailable = False
    assert credit_of_users("user-0") == [0]

    assert sweep_collections(now=NOW + timedelta(hours=23)) == 0
    sweep_collections(now=NOW + timedelta(hours=24))

    assert credit_of_users("user-0") == [4_000_000]
    row = Collection.objects.latest("pk")
    assert (row.state, row.live_subject) == ("withdrawn", None)
    sweep_collections(now=NOW + timedelta(hours=24, minutes=1))
    row.refresh_from_db()
    assert (till.asked_to_cancel, row.ask_at) == ([row.reference], None)
    assert breaches() == []


def test_audit_finds_a_return_for_a_cycle_that_is_not_cancelled() -> None:
    cycle = two_of_three_paid()
    cancel(cycle.pk)
    Cycle.objects.filter(pk=cycle.pk).update(state="collecting", cancelled_at=None, settled_count=None)
    assert {found.split(":")[0] for found in breaches()} == {"I05 cycle"}
