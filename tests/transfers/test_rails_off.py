"""A rail that is switched off: nothing new is sent by it, what is under way is still asked about, the others go on."""

import pytest

from sunusav.core.models import TrailEntry
from tests.fakes.franc_rail import ScriptedFrancRail, phone
from tests.ledger.builders import stored_rate
from tests.transfers.builders import (
    MAY_LEAVE_SECONDS,
    NET_SATS,
    NOW,
    PAID,
    PREPARED,
    UNTOUCHED,
    attempts,
    claimed,
    instruction_of,
    ordered,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from tests.transfers.switching import switched_off, switched_on
from transfers.engine.claims import may_send
from transfers.engine.liquidity import look_at_rails
from transfers.engine.opening import Opening, open_attempts
from transfers.models import RailLiquidity
from transfers.queries import sends_that_may_leave
from transfers.treasury import waiting_for_rails
from transfers.types import Choice, NotSeen, Unknown

pytestmark = pytest.mark.django_db


def by_francs(name: str = "francs") -> int:
    """Order a payment by the rail in francs."""
    return ordered(name, destination=phone("+221770000001"))


@pytest.fixture(autouse=True)
def rate() -> None:
    stored_rate("8000000", at=NOW)


def test_new_payments_by_a_rail_that_is_off_wait_and_the_others_go(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_off(watch)
    monkeypatch.setattr(node, "sendable", lambda: pytest.fail("a rail that is off was asked"))
    waits, goes = ordered(), by_francs()

    run(watch)

    row = row_of(waits)
    assert (row.failure_code, row.failure_facts) == ("rail-switched-off", {"rail": "lightning"})
    assert (row.due_at, row.retries, row.claim_version) == (watch.after(60), 0, 0)
    assert (node.calls, snapshot(waits).attempts) == ([], [])
    assert row_of(goes).state == "completed"
    line = TrailEntry.objects.get(subject=f"disbursement:{waits}", action="hold_back")
    assert line.facts == {"code": "rail-switched-off", "rail": "lightning"}


def test_what_waits_is_counted_for_its_rail(node: SteeredRail, watch: Watch) -> None:
    switched_off(watch)
    ordered("awa")
    ordered("binta")
    run(watch)

    waiting = waiting_for_rails()["lightning"]

    assert (waiting.count, waiting.total.amount) == (2, 2 * NET_SATS * 1_000)


def test_waiting_on_is_no_news_for_the_trail(node: SteeredRail, watch: Watch) -> None:
    switched_off(watch)
    disbursement_id = ordered()
    for _ in range(3):
        run(watch)
        watch.advance(60)
    held = TrailEntry.objects.filter(subject=f"disbursement:{disbursement_id}", action="hold_back")
    assert held.count() == 1
    assert row_of(disbursement_id).failure_code == "rail-switched-off"


def test_payments_go_at_once_when_their_rail_is_switched_on(node: SteeredRail, watch: Watch) -> None:
    switched_off(watch)
    disbursement_id = ordered()
    run(watch)
    watch.advance(10)

    switched_on(watch)
    run(watch)

    assert snapshot(disbursement_id) == PAID
    assert row_of(disbursement_id).failure_code == ""


def test_switching_one_rail_on_leaves_what_waits_for_another(node: SteeredRail, watch: Watch) -> None:
    switched_off(watch)
    switched_off(watch, "franc")
    waits = by_francs()
    run(watch)
    watch.advance(10)

    switched_on(watch)

    assert row_of(waits).due_at == watch.after(50)


def test_scheduled_payment_of_a_rail_that_is_off_begins_and_waits(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered(scheduled_at=watch.after(60))
    switched_off(watch)
    watch.advance(60)

    run(watch)

    assert snapshot(disbursement_id) == UNTOUCHED
    assert row_of(disbursement_id).failure_code == "rail-switched-off"
    assert node.calls == []


def test_first_choice_whose_rail_is_off_waits_and_the_second_is_not_paid(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    switched_off(watch)
    choices = (Choice(invoice_for("awa", NET_SATS)), Choice(phone("+221770000001")))
    disbursement_id = ordered(choices=choices)

    run(watch)

    assert francs.sends == 0
    assert row_of(disbursement_id).failure_code == "rail-switched-off"
    assert not row_of(disbursement_id).destinations.exclude(refused_at=None).exists()


# What is under way


def test_open_attempt_of_a_rail_that_is_off_is_asked_about_and_booked(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.meanwhile["send"] = lambda: switched_off(watch)
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    order = attempts(disbursement_id)[0].order
    node.paid[order.reference] = order.amount
    watch.advance(15)

    run(watch)

    assert snapshot(disbursement_id) == PAID
    assert node.calls == ["prepare", "send", "find"]


def test_order_is_not_sent_again_while_its_rail_is_off(node: SteeredRail, watch: Watch) -> None:
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    disbursement_id = ordered()
    run(watch)
    switched_off(watch)
    for _ in range(3):
        watch.advance(75)
        node.finds.append(NotSeen(source="node"))
        run(watch)
    assert (node.sends, snapshot(disbursement_id)) == (1, PREPARED)
    assert node.calls.count("find") == 3

    switched_on(watch)
    run(watch)

    assert (node.sends, snapshot(disbursement_id)) == (2, PAID)


# The last look


def test_switch_off_after_the_intent_was_committed_stops_the_send(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    order = node.prepare(instruction_of(disbursement_id), now=watch())
    claim = claimed(disbursement_id, watch)
    open_attempts([Opening(claim, order, 1)], now=watch())
    assert may_send([claim], now=watch()) == [True]

    switched_off(watch)

    assert may_send([claim], now=watch()) == [False]


def test_switch_off_of_one_rail_lets_the_sends_of_another_go(node: SteeredRail, watch: Watch) -> None:
    claims = [claimed(one, watch) for one in (ordered(), by_francs())]
    switched_off(watch)
    assert may_send(claims, now=watch()) == [False, True]


def test_payment_whose_rail_is_switched_off_while_it_is_prepared_is_not_sent(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = lambda: switched_off(watch)

    run(watch)

    assert (node.sends, snapshot(disbursement_id)) == (0, PREPARED)
    assert attempts(disbursement_id)[0].sends == 0
    switched_on(watch)
    watch.advance(MAY_LEAVE_SECONDS)
    run(watch)
    assert (node.sends, snapshot(disbursement_id)) == (1, PAID)


def test_sends_that_may_leave_are_counted_by_rail(node: SteeredRail, watch: Watch) -> None:
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    ordered()
    run(watch)

    assert sends_that_may_leave(watch()) == 1
    assert sends_that_may_leave(watch(), rails=["lightning"]) == 1
    assert sends_that_may_leave(watch(), rails=["franc"]) == 0
    assert sends_that_may_leave(watch(), rails=["wave"]) == 0


# Looks


def test_rail_that_is_off_is_not_looked_at(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    switched_off(watch)
    monkeypatch.setattr(node, "sendable", lambda: pytest.fail("a rail that is off was asked"))

    look_at_rails(["lightning", "franc"], clock=watch)

    assert list(RailLiquidity.objects.values_list("rail", flat=True)) == ["franc"]


def test_look_after_switching_on_releases_what_was_left(node: SteeredRail, watch: Watch) -> None:
    switched_off(watch)
    disbursement_id = ordered()
    run(watch)
    switched_on(watch)
    row = row_of(disbursement_id)
    row.due_at = watch.after(60)
    row.save(update_fields=["due_at"])

    assert look_at_rails(["lightning"], clock=watch) == 1

    assert row_of(disbursement_id).due_at == watch()
