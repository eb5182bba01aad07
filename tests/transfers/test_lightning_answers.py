"""What the engine does with each answer of a Lightning node: the real rail against the simulated node.

Verified by the node's own record: at most one row of a hash ever succeeded, and the books agree.
"""

from __future__ import annotations

import pytest

from ledger.auditor import audit
from sandbox.lnd.control import Record
from tests.lightning.world import NET_MSAT, PLATFORM, PLENTY_MSAT, World
from tests.transfers.builders import Snapshot, row_of
from tests.transfers.lightning_payout import GROSS_MSAT, Payout, SharedWatch
from tests.transfers.rails import QuickLightningRail, Watch
from transfers.rails import rail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_node")]


@pytest.fixture
def quick() -> QuickLightningRail:
    found = rail("lightning")
    assert isinstance(found, QuickLightningRail)
    return found


@pytest.fixture
def watch(world: World) -> Watch:
    """A clock of ours that starts at the node's time."""
    return SharedWatch(world)


@pytest.fixture
def payout(world: World, watch: Watch) -> Payout:
    return Payout(world, watch)


HELD = Snapshot("processing", ["prepared"], 0, GROSS_MSAT)
OUT = Snapshot("processing", ["in_flight"], 0, GROSS_MSAT)
INBOX = Snapshot("processing", [], 0, GROSS_MSAT)
REVIEWED = Snapshot("needs_review", ["in_flight"], 0, GROSS_MSAT)


def test_run_pays_once_and_the_audit_is_green(payout: Payout, watch: Watch) -> None:
    payout.run()

    payout.assert_paid_once()
    assert audit(now=watch()).breaches == ()


# Unavailable


def test_run_with_the_node_unreachable_waits_and_pays_after_the_outage(payout: Payout, world: World) -> None:
    world.control.stop_serving(PLATFORM)
    payout.run()
    assert (payout.snapshot, payout.due_in) == (INBOX, 15)

    world.control.start_serving(PLATFORM)
    world.wait_until_reached()
    payout.run(15)

    payout.assert_paid_once()


def test_run_node_short_of_liquidity_waits_and_burns_no_retry(payout: Payout, world: World) -> None:
    world.control.set_money(PLATFORM, local_msat=NET_MSAT)
    payout.run()
    assert (payout.snapshot, payout.due_in, row_of(payout.id).retries) == (INBOX, 60, 0)

    world.control.set_money(PLATFORM, local_msat=PLENTY_MSAT)
    payout.run(60)

    payout.assert_paid_once()


def test_run_with_the_node_lost_between_commit_and_send_sends_the_same_order_later(
    payout: Payout, world: World, quick: QuickLightningRail
) -> None:
    quick.meanwhile["send"] = lambda: world.control.stop_serving(PLATFORM)
    payout.run()
    assert payout.snapshot == HELD
    world.control.start_serving(PLATFORM)
    world.wait_until_reached()
    assert world.record(payout.hash) == []

    payout.run(15)

    payout.assert_paid_once()


def test_run_with_the_node_unreachable_when_queried_concludes_nothing(payout: Payout, world: World) -> None:
    payout.run_under({"do": "hold", "at": "in_flight"})
    world.control.stop_serving(PLATFORM)
    for _ in range(3):
        payout.run(60)
        assert (payout.snapshot, payout.due_in) == (OUT, 15)
    world.control.start_serving(PLATFORM)
    world.wait_until_reached()
    world.control.settle(PLATFORM, payout.hash)

    payout.run(15)

    payout.assert_paid_once()


def test_run_node_killed_in_flight_is_resolved_after_its_restart(payout: Payout, world: World) -> None:
    payout.run_under({"do": "hold", "at": "in_flight"})
    world.process.restart()
    world.wait_until_reached()
    world.control.settle(PLATFORM, payout.hash)

    payout.run(15)

    payout.assert_paid_once()


# No answer after the send

DROP, HANG = {"do": "drop"}, {"do": "hang"}
ERRORS = [{"do": "error", "code": code} for code in ("UNKNOWN", "INTERNAL", "DEADLINE_EXCEEDED")]
AFTER = [{**step, "at": phase} for step in (DROP, HANG) for phase in ("created", "in_flight", "resolved")]
AFTER += [{**step, "at": "resolved"} for step in ({"do": "end"}, *ERRORS)]
BEFORE = [{**step, "at": "arrived"} for step in (DROP, HANG, *ERRORS[:1])]


def named(step: Record) -> str:
    return f"{step.get('code', step['do'])} {step['at']}"


@pytest.mark.parametrize("step", AFTER, ids=named)
def test_run_without_an_answer_after_the_send_queries_and_finds_it_paid(
    payout: Payout, world: World, step: Record
) -> None:
    payout.run_under(step)
    assert payout.snapshot == (HELD if step["at"] == "created" else OUT)
    assert payout.due_in == 1, "a lost answer is looked up at once"

    payout.run(1)

    payout.assert_paid_once()
    assert [row["sends"] for row in world.record(payout.hash)] == [1]


@pytest.mark.parametrize("step", BEFORE, ids=named)
def test_run_silence_before_the_node_took_it_sends_the_same_order_again(
    payout: Payout, world: World, step: Record
) -> None:
    payout.run_under(step)
    assert (payout.snapshot, payout.due_in) == (HELD, 1)

    payout.run(1)

    payout.assert_paid_once()
    assert [(row["sends"], row["accepted"]) for row in world.record(payout.hash)] == [(2, 1)]


def test_run_slower_than_our_deadline_is_in_flight_then_paid(payout: Payout, world: World) -> None:
    payout.run_under({"do": "in_flight", "seconds": 3_600})
    assert (payout.snapshot, payout.due_in) == (OUT, 1)

    world.control.set_clock(advance_seconds=3_600)
    payout.wait_until_paid()
    payout.run(15)

    payout.assert_paid_once()


# The node has it already: a first send that arrives late, after a second one

STORES = [{"payment_store": "kv"}, {"payment_store": "sql"}, {"version": "0.17.5-beta"}]


@pytest.mark.parametrize("options", STORES, ids=["kv", "sql", "0.17"])
def test_run_already_paid_is_queried_and_booked_once(
    payout: Payout, world: World, quick: QuickLightningRail, options: Record
) -> None:
    """The node answers "invoice is already paid", with the code and text of each store."""
    world.control.set_options(PLATFORM, **options)
    payout.run_under({"do": "hold", "at": "arrived"})
    assert payout.snapshot == HELD
    quick.meanwhile["send"] = lambda: payout.release_to_the_end("arrived")

    payout.run(15)

    payout.assert_paid_once()
    assert [(row["sends"], row["accepted"]) for row in world.record(payout.hash)] == [(2, 1)]


@pytest.mark.parametrize("options", STORES, ids=["kv", "sql", "0.17"])
def test_run_already_in_transition_is_in_flight_then_paid(
    payout: Payout, world: World, quick: QuickLightningRail, options: Record
) -> None:
    """The node answers "payment is in transition"."""
    world.control.set_options(PLATFORM, **options)
    payout.run_under({"do": "hold", "at": "arrived"}, {"do": "hold", "at": "in_flight"})
    quick.meanwhile["send"] = lambda: payout.release("arrived", "in_flight")
    payout.run(15)
    assert payout.snapshot == OUT

    payout.release_to_the_end("in_flight")
    payout.run(15)

    payout.assert_paid_once()
    assert [(row["sends"], row["accepted"]) for row in world.record(payout.hash)] == [(2, 1)]


def test_run_already_exists_while_initiated_is_in_flight_then_paid(
    payout: Payout, world: World, quick: QuickLightningRail
) -> None:
    """The third text: "payment already exists"."""
    world.control.set_options(PLATFORM, use_status_initiated=True)
    payout.run_under({"do": "hold", "at": "arrived"}, {"do": "hold", "at": "created"})
    quick.meanwhile["send"] = lambda: payout.release("arrived", "created")
    payout.run(15)
    assert payout.snapshot == OUT

    payout.release_to_the_end("created")
    payout.run(15)

    payout.assert_paid_once()


def test_run_in_flight_for_six_hours_is_held_queried_and_never_sent_again(
    payout: Payout, world: World
) -> None:
    payout.run_under({"do": "hold", "at": "in_flight"})
    for _ in range(12):
        payout.run(1_800)
        assert payout.snapshot == OUT
    assert [row["sends"] for row in world.record(payout.hash)] == [1]

    world.control.settle(PLATFORM, payout.hash)
    payout.run(300)

    payout.assert_paid_once()


# Failed

FAILED = ["failed"]
REASONS = {
    # Tried again after this many seconds; asked about once no send can be on its way any more, after 30.
    "TIMEOUT": ("processing", 60, 1, "timeout"),
    "NO_ROUTE": ("processing", 60, 1, "no-route"),
    "CANCELED": ("processing", 60, 1, "canceled"),
    "INSUFFICIENT_BALANCE": ("processing", 60, 0, "insufficient-balance"),
    "INCORRECT_PAYMENT_DETAILS": ("failed", None, 0, "incorrect-payment-details"),
    "ERROR": ("needs_review", None, 0, "error"),
    "NONE": ("needs_review", None, 0, "none"),
}


@pytest.mark.parametrize(("reason", "expected"), REASONS.items(), ids=REASONS.keys())
def test_run_failed_keeps_the_hold_and_continues_by_its_reason(
    payout: Payout, reason: str, expected: tuple[str, float | None, int, str]
) -> None:
    state, sends_in, retries, code = expected

    payout.run_under({"do": "fail", "reason": reason})

    row = row_of(payout.id)
    assert payout.snapshot == Snapshot(state, FAILED, 0, GROSS_MSAT)
    assert (payout.sends_in, row.retries, row.failure_code) == (sends_in, retries, code)
    assert payout.due_in == 30
    assert payout.paid_times == 0


@pytest.mark.parametrize("reason", ["TIMEOUT", "NO_ROUTE", "CANCELED", "INSUFFICIENT_BALANCE"])
def test_run_failed_and_retried_pays_the_same_invoice_once(payout: Payout, world: World, reason: str) -> None:
    payout.run_under({"do": "fail", "reason": reason})

    payout.run(60)

    payout.assert_paid_once("failed")
    assert [row["status"] for row in world.record(payout.hash)] == ["FAILED", "SUCCEEDED"]


def test_run_failed_after_a_broken_stream_is_found_failed(payout: Payout) -> None:
    payout.run_under({"do": "fail", "reason": "INCORRECT_PAYMENT_DETAILS"}, {"do": "drop", "at": "in_flight"})
    assert payout.snapshot == OUT

    payout.run(15)

    assert payout.snapshot == Snapshot("failed", FAILED, 0, GROSS_MSAT)


def test_run_route_dearer_than_the_limit_is_retried(payout: Payout, world: World) -> None:
    world.control.set_money(PLATFORM, fee_base_msat=995_001)

    payout.run()

    assert (payout.snapshot, row_of(payout.id).failure_code) == (
        Snapshot("processing", FAILED, 0, GROSS_MSAT),
        "no-route",
    )


# Contradictions


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"do": "bad_preimage"}, "preimage-does-not-fit"),
        ({"do": "misreport", "value_msat": NET_MSAT - 1}, "another-amount-paid"),
        ({"do": "misreport", "value_msat": NET_MSAT + 1}, "another-amount-paid"),
        ({"do": "misreport", "payment_request": "lnbcrt1other"}, "another-invoice-paid"),
    ],
    ids=["wrong preimage", "one msat less", "one msat more", "another invoice"],
)
def test_run_success_that_contradicts_our_records_needs_review_and_keeps_the_hold(
    payout: Payout, world: World, step: Record, reason: str
) -> None:
    payout.run_under(step)
    assert (payout.snapshot, payout.due_in) == (REVIEWED, 600)

    payout.run(600)

    assert (payout.snapshot, payout.due_in) == (REVIEWED, 600)
    row = row_of(payout.id)
    assert (row.failure_code, row.failure_facts) == ("answer-contradicts-records", {"outcome": reason})
    assert [row["sends"] for row in world.record(payout.hash)] == [1]


def test_run_payment_the_node_forgot_needs_review_and_is_not_sent_again(payout: Payout, world: World) -> None:
    payout.run_under({"do": "hold", "at": "in_flight"})
    world.control.forget(PLATFORM, payout.hash)

    payout.run(15)

    assert (payout.snapshot, payout.due_in) == (REVIEWED, 600)
    assert row_of(payout.id).failure_code == "payment-vanished"
    assert [row["sends"] for row in world.record(payout.hash)] == [1]


def test_run_another_node_that_does_not_know_it_needs_review_and_pays_nothing(
    payout: Payout, world: World
) -> None:
    payout.run_under({"do": "drop", "at": "arrived"})
    world.control.set_options(PLATFORM, shown_pubkey="02" + "ab" * 32)

    payout.run(15)

    assert payout.snapshot == Snapshot("needs_review", ["prepared"], 0, GROSS_MSAT)
    assert row_of(payout.id).failure_code == "payment-vanished"
    assert world.record(payout.hash) == []


def test_run_never_taken_and_expired_is_void_and_stays_held(world: World, watch: Watch) -> None:
    payout = Payout(world, watch, expiry=1_800)
    payout.run_under({"do": "drop", "at": "arrived"})

    payout.run(1_800 + 660)

    assert payout.snapshot == Snapshot("failed", ["void"], 0, GROSS_MSAT)
    assert (payout.paid_times, world.record(payout.hash)) == (0, [])


def test_run_expired_at_the_node_but_paid_before_is_booked(world: World, watch: Watch) -> None:
    payout = Payout(world, watch, expiry=1_800)
    payout.run_under({"do": "drop", "at": "resolved"})

    payout.run(2_000)

    payout.assert_paid_once()
