"""Looks at rails: what is stored, which waiting payments are due at once, and that a look disturbs nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from ledger.types import msat
from sunusav.core.actors import Actor
from sunusav.core.switches import pause_outgoing
from tests.factories.limits import set_limit_to
from tests.support.broker import published
from tests.transfers.builders import NET_MSAT, NET_SATS, claimed, ordered, row_of, run, settle
from tests.transfers.liquidity_cases import (
    HOLD,
    NO_ROUTE,
    PLENTY_MSAT,
    RAIL,
    WAYS,
    Waits,
    held,
    look,
    look_later,
    seen,
    short,
    stop_rail,
    stopped,
)
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.engine.breaker import count_success, take_try, try_sooner
from transfers.engine.claims import release
from transfers.engine.deferring import make_due
from transfers.engine.liquidity import LOOK_LEASE, look_at_rails
from transfers.models import Disbursement, RailBreaker, RailLiquidity
from transfers.rails import rail
from transfers.types import Sendable, SendOutcome, Unknown, Unusable

pytestmark = pytest.mark.django_db


@contextmanager
def unchanged_row(pk: int) -> Iterator[None]:
    """Assert that the block leaves one disbursement as it was."""
    rows = Disbursement.objects.filter(pk=pk).values()
    before = rows.get()
    yield
    assert rows.all().get() == before


# What is stored


def test_look_stores_what_can_be_sent_and_what_cannot(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    unusable = (Unusable("txid:0", msat(700)), Unusable("txid:1", msat(50)))
    monkeypatch.setattr(node, "sendable", lambda: Sendable(msat(900), msat(400), unusable))

    assert look(watch) == 0

    row = seen()
    assert (row.total, row.largest, row.unusable_amount) == (900, 400, 750)
    assert row.unusable == [
        {"reference": "txid:0", "amount": 700},
        {"reference": "txid:1", "amount": 50},
    ]
    assert (row.seen_at, row.known_at, row.failure_code, row.looking_until) == (watch(), watch(), "", None)
    assert row.is_available


def test_look_at_an_unavailable_rail_keeps_the_amounts_and_says_why(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 5_000
    look(watch)
    before = watch()
    node.is_unavailable = True

    look_later(watch)

    row = seen()
    assert (row.total, row.largest, row.known_at, row.seen_at) == (5_000, 5_000, before, watch())
    assert (row.failure_code, row.failure_facts) == (
        "rail-unavailable",
        {"rail": RAIL, "detail": "the fake is unavailable"},
    )
    assert not row.is_available


def test_look_at_a_rail_that_was_never_available_knows_no_amounts(node: SteeredRail, watch: Watch) -> None:
    node.is_unavailable = True

    look(watch)

    assert (seen().total, seen().known_at, seen().seen_at) == (None, None, watch())


class SlowRail(SteeredRail):
    """Does not answer until a test lets it."""

    name = "slow"
    answers = threading.Event()

    def sendable(self) -> Sendable:
        assert self.answers.wait(60)
        return super().sendable()


class BrokenRail(SteeredRail):
    name = "broken"

    def sendable(self) -> Sendable:
        raise ZeroDivisionError


@pytest.fixture
def other_rails(settings: Settings) -> Any:
    here = "tests.transfers.test_liquidity"
    settings.RAILS = {
        "slow": f"{here}.SlowRail",
        "broken": f"{here}.BrokenRail",
        "negative": f"{here}.NegativeRail",
        **settings.RAILS,
    }
    rail.cache_clear()
    SlowRail.answers.clear()
    yield
    SlowRail.answers.set()


def test_rail_that_does_not_answer_keeps_no_other_waiting(other_rails: None, watch: Watch) -> None:
    look_at_rails(["slow", RAIL], clock=watch, wait_seconds=0.5)

    assert seen().is_available
    slow = RailLiquidity.objects.get(pk="slow")
    assert (slow.failure_code, slow.failure_facts["detail"]) == ("rail-unavailable", "no answer within 0 s")


def test_rail_with_a_bug_keeps_no_other_waiting_and_is_reported(other_rails: None, watch: Watch) -> None:
    with pytest.raises(ZeroDivisionError):
        look_at_rails(["broken", RAIL], clock=watch)

    assert seen().is_available
    assert RailLiquidity.objects.get(pk="broken").seen_at is None


class NegativeRail(SteeredRail):
    """Answers what the database refuses."""

    name = "negative"

    def sendable(self) -> Sendable:
        return Sendable(msat(-1), msat(-1))


def test_answer_that_cannot_be_recorded_keeps_no_other_from_it_and_is_reported(
    other_rails: None, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later() -> Sendable:
        time.sleep(0.3)
        return Sendable(msat(900), msat(400))

    monkeypatch.setattr(rail(RAIL), "sendable", later)
    with pytest.raises(IntegrityError):
        look_at_rails(["negative", RAIL], clock=watch)

    assert (seen().is_available, seen().total) == (True, 900)
    assert RailLiquidity.objects.get(pk="negative").seen_at is None


def test_answer_that_came_in_time_counts_although_another_is_recorded_slowly(
    other_rails: None, node: SteeredRail, watch: Watch
) -> None:
    SlowRail.answers.set()
    readings = 0

    def clock() -> datetime:
        nonlocal readings
        readings += 1
        if readings == 3:
            time.sleep(0.7)
        return watch()

    look_at_rails(["slow", RAIL], clock=clock, wait_seconds=0.5)

    assert [row.is_available for row in RailLiquidity.objects.all()] == [True, True]


@pytest.mark.parametrize("is_unavailable", [False, True])
def test_answer_after_the_lease_is_not_recorded_also_when_nobody_else_has_looked(
    node: SteeredRail, watch: Watch, is_unavailable: bool
) -> None:
    """The process was stopped meanwhile: what it has read is old."""
    pk = short(node, watch)
    look(watch)
    due_at, before = row_of(pk).due_at, seen().seen_at
    node.balance_msat, node.is_unavailable = PLENTY_MSAT, is_unavailable
    watch.advance(1)

    def frozen() -> None:
        watch.advance(LOOK_LEASE.total_seconds())

    assert _looked_while(frozen, node, watch) == 0

    assert (row_of(pk).due_at, seen().seen_at, seen().total) == (due_at, before, NET_MSAT - 1)
    node.is_unavailable = False
    assert look(watch) == 1


def test_look_reads_as_often_however_many_payments_wait(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    counts = []
    for number in range(3):
        ordered(f"one more {number}", at=watch())
        run(watch)
        with CaptureQueriesContext(connection) as queries:
            look(watch)
        counts.append(len(queries))
    assert counts[1] == counts[2]


def test_rail_that_another_run_looks_at_is_left_out_until_its_lease_ends(
    node: SteeredRail, watch: Watch
) -> None:
    look(watch)
    RailLiquidity.objects.update(looking_until=watch.after(LOOK_LEASE.total_seconds()))
    watch.advance(LOOK_LEASE.total_seconds() - 1)

    with unchanged():
        assert look(watch) == 0

    watch.advance(1)
    look(watch)
    assert seen().seen_at == watch()


def test_look_that_was_overtaken_by_another_changes_nothing(node: SteeredRail, watch: Watch) -> None:
    """Its process was stopped for longer than its lease, and what it has read is old."""
    pk = short(node, watch)
    look(watch)

    def meanwhile() -> Sendable:
        RailLiquidity.objects.update(looking_until=watch.after(LOOK_LEASE.total_seconds() + 1))
        return Sendable(msat(PLENTY_MSAT), msat(PLENTY_MSAT))

    node.balance_msat = PLENTY_MSAT
    due_at = row_of(pk).due_at
    assert _looked_while(meanwhile, node, watch) == 0
    assert (row_of(pk).due_at, seen().total) == (due_at, NET_MSAT - 1)


def _looked_while(answer: Callable[[], object], node: SteeredRail, watch: Watch) -> int:
    """Look, and run `answer` in the thread of the test once the look is begun: only that one uses the database."""
    readings = 0

    def clock() -> Any:
        nonlocal readings
        readings += 1
        if readings == 2:
            answer()
        return watch()

    return look_at_rails([RAIL], clock=clock)


# What is released


@pytest.mark.parametrize("waits", WAYS)
def test_payment_is_paid_after_the_look_that_finds_enough(
    waits: Waits, node: SteeredRail, watch: Watch
) -> None:
    pk = waits(node, watch)
    assert look(watch) == 0
    node.balance_msat = PLENTY_MSAT
    watch.advance(10)

    assert look(watch) == 1

    assert row_of(pk).due_at == watch()
    run(watch)
    assert row_of(pk).state == "completed"
    assert list(node.paid.values()) == [NET_MSAT]


@pytest.mark.parametrize("waits", WAYS)
def test_payment_stays_while_it_does_not_fit(waits: Waits, node: SteeredRail, watch: Watch) -> None:
    pk = waits(node, watch)
    look(watch)
    before = (row_of(pk).due_at, row_of(pk).not_before)

    watch.advance(1)
    assert look(watch) == 0

    assert (row_of(pk).due_at, row_of(pk).not_before) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("waits", WAYS)
def test_look_that_releases_payments_wakes_the_run(waits: Waits, node: SteeredRail, watch: Watch) -> None:
    waits(node, watch)
    look(watch)
    with published() as messages:
        look(watch)
        assert messages == []
        node.balance_msat = PLENTY_MSAT
        look(watch)
    assert messages == [("transfers.run_due", [])]


def test_no_more_is_released_than_fits_beside_what_is_due(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    first, second, third = (ordered(name) for name in ("first", "second", "third"))
    run(watch)
    due = ordered("due", at=watch())
    node.balance_msat = 3 * NET_MSAT - 1

    assert look(watch) == 1

    assert [row_of(pk).due_at for pk in (first, due)] == [watch(), watch()]
    assert [row_of(pk).due_at for pk in (second, third)] == [watch.after(60)] * 2
    run(watch)
    paid = [pk for pk in (first, second, third, due) if row_of(pk).state == "completed"]
    assert paid == [first, due]


def test_hold_is_not_released_while_what_can_be_sent_only_seems_to_cover_it(
    node: SteeredRail, watch: Watch
) -> None:
    """Also not when the money comes back that this payment's own send had bound, and then it counts to its six."""
    pk = held(node, watch)
    node.balance_msat = 2 * NET_MSAT
    look(watch)
    not_before = row_of(pk).not_before

    for _ in range(3):
        assert look_later(watch) == 0
    node.balance_msat = 3 * NET_MSAT - 1
    assert look_later(watch) == 0
    assert row_of(pk).not_before == not_before

    node.balance_msat = 4 * NET_MSAT - 1
    assert look_later(watch) == 1


def test_money_of_ours_that_comes_back_unpaid_releases_no_hold(node: SteeredRail, watch: Watch) -> None:
    """A payment is under way at the first look and refused before the second: nothing was added."""
    first = held(node, watch)
    node.balance_msat = 2 * NET_MSAT
    second = ordered("second", at=watch())
    looked: list[int] = []

    def bound() -> None:
        node.balance_msat -= NET_MSAT

    node.meanwhile["send"] = bound
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    looked.append(look(watch))
    node.balance_msat += NET_MSAT
    node.finds.append(HOLD)
    watch.advance(5)
    run(watch)
    assert [one.state for one in row_of(second).attempts.all()] == ["failed"]

    looked.append(look_later(watch))

    assert looked == [0, 0]
    assert row_of(first).not_before is not None


def test_released_hold_that_is_refused_again_waits_its_next_wait(node: SteeredRail, watch: Watch) -> None:
    pk = held(node, watch)
    look(watch)
    node.balance_msat = PLENTY_MSAT
    node.script.append(HOLD)
    look(watch)
    run(watch)
    row = row_of(pk)
    assert (row.attempts.count(), row.not_before) == (4, watch.after(480))

    for _ in range(10):
        assert look_later(watch) == 0
    settle(watch)
    assert row_of(pk).attempts.count() == 4


def test_hold_whose_order_may_still_be_paid_is_asked_about_before_it_goes_again(
    node: SteeredRail, watch: Watch
) -> None:
    node.script.append(HOLD)
    pk = ordered()
    run(watch)
    node.balance_msat = NET_MSAT - 1
    look(watch)
    node.balance_msat = PLENTY_MSAT
    watch.advance(15)

    assert look(watch) == 1
    run(watch)

    row = row_of(pk)
    assert (row.state, row.attempts.count(), row.due_at) == ("processing", 1, watch.after(15))
    watch.advance(15)
    run(watch)
    assert row_of(pk).state == "completed"


def test_hold_that_was_claimed_at_the_look_is_released_by_the_next(node: SteeredRail, watch: Watch) -> None:
    pk = held(node, watch)
    look(watch)
    node.balance_msat = PLENTY_MSAT
    due_at = row_of(pk).not_before
    Disbursement.objects.filter(pk=pk).update(due_at=watch())
    claim = claimed(pk, watch)

    with unchanged_row(pk):
        assert look(watch) == 0
    release(claim, due_at=due_at)

    assert look_later(watch) == 1
    run(watch)
    assert row_of(pk).state == "completed"


def test_hold_is_not_released_before_a_quarter_of_its_wait_and_not_forgotten(
    node: SteeredRail, watch: Watch
) -> None:
    """It waits for a minute; the money is added after one second."""
    node.script.append(HOLD)
    pk = ordered()
    run(watch)
    assert row_of(pk).not_before == watch.after(60)
    node.balance_msat = NET_MSAT - 1
    look(watch)
    node.balance_msat = PLENTY_MSAT
    for seconds in (1, 13):
        watch.advance(seconds)
        with unchanged_row(pk):
            assert look(watch) == 0

    watch.advance(1)
    assert look(watch) == 1
    assert row_of(pk).not_before is None


def test_channel_that_comes_and_goes_does_not_use_up_the_holds(node: SteeredRail, watch: Watch) -> None:
    """Every other look finds all, and the node refuses each time: it goes again after a quarter of each wait."""
    node.script.extend([HOLD] * 7)
    pk = ordered()
    for number in range(60):
        node.balance_msat = PLENTY_MSAT if number % 2 else 0
        look(watch)
        node.balance_msat = PLENTY_MSAT
        run(watch)
        watch.advance(15)
        run(watch)
        watch.advance(15)
    refused_at = [one.closed_at for one in row_of(pk).attempts.order_by("number") if one.closed_at]
    assert len(refused_at) == 7
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(refused_at)]
    assert all(wait >= least for wait, least in zip(waits, [15, 30, 60, 120, 240, 240], strict=True))


# What is not touched


def test_look_leaves_retries_and_their_moment_alone(node: SteeredRail, watch: Watch) -> None:
    node.script.append(NO_ROUTE)
    pk = ordered()
    run(watch)
    node.balance_msat = 0
    look(watch)
    node.balance_msat = PLENTY_MSAT

    with unchanged_row(pk):
        assert look(watch) == 0


def test_payment_that_is_only_asked_about_takes_no_part_of_what_can_be_sent(
    node: SteeredRail, watch: Watch
) -> None:
    node.script.append(NO_ROUTE)
    retried = ordered("retried")
    run(watch)
    waiting = short(node, watch)
    watch.advance(30)
    assert row_of(retried).due_at == watch()
    node.balance_msat = NET_MSAT

    assert look(watch) == 1

    assert row_of(waiting).due_at == watch()


def test_payment_that_changed_since_it_was_read_is_not_made_due(node: SteeredRail, watch: Watch) -> None:
    """It was claimed, and waits for a limit by now."""
    read = row_of(short(node, watch))
    watch.advance(60)
    release(claimed(read.pk, watch), due_at=read.due_at)

    with unchanged_row(read.pk):
        assert make_due([read], now=watch.after(-1)) == set()


def test_look_leaves_payments_that_wait_for_a_limit_alone(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("total_hour", NET_SATS, now=watch())
    ordered("first")
    pk = ordered("second")
    run(watch)
    assert row_of(pk).failure_code == "hour-limit"
    node.balance_msat = 0
    look(watch)
    node.balance_msat = PLENTY_MSAT

    with unchanged_row(pk):
        assert look(watch) == 0


def test_payment_that_is_released_while_outgoing_money_is_paused_stays_unsent(
    node: SteeredRail, watch: Watch
) -> None:
    pk = short(node, watch)
    look(watch)
    pause_outgoing(actor=Actor.system("tests"), reason="looking", now=watch())
    node.balance_msat = PLENTY_MSAT

    look(watch)
    run(watch)

    assert (row_of(pk).state, node.sends) == ("processing", 0)


# A stopped rail


def breaker() -> RailBreaker:
    return RailBreaker.objects.get(pk=RAIL)


def test_rail_that_stopped_for_other_reasons_keeps_its_wait(node: SteeredRail, watch: Watch) -> None:
    look(watch)
    stop_rail(watch)
    pk = ordered()
    run(watch)

    watch.advance(30)
    with unchanged_row(pk):
        assert look(watch) == 0

    assert breaker().retry_at == watch.after(30)


def test_failed_early_try_doubles_the_wait_and_no_other_follows(node: SteeredRail, watch: Watch) -> None:
    stopped(node, watch)
    look(watch)
    node.balance_msat = PLENTY_MSAT
    node.script.append(NO_ROUTE)
    look_later(watch)
    run(watch)
    assert (breaker().state, breaker().retry_at) == ("open", watch.after(120))

    look_later(watch)

    assert breaker().retry_at == watch.after(90)


def test_rail_that_becomes_available_is_tried_at_once(node: SteeredRail, watch: Watch) -> None:
    pk = stopped(node, watch)
    node.is_unavailable = True
    look(watch)
    node.is_unavailable, node.balance_msat = False, PLENTY_MSAT
    RailLiquidity.objects.update(total=PLENTY_MSAT, largest=PLENTY_MSAT, known_at=watch())

    look_later(watch)
    run(watch)

    assert row_of(pk).state == "completed"


def test_retry_tries_the_stopped_rail_when_its_time_has_come_after_money_was_added(
    node: SteeredRail, watch: Watch
) -> None:
    node.script.append(NO_ROUTE)
    pk = ordered()
    run(watch)
    stop_rail(watch)
    RailBreaker.objects.update(wait_seconds=600, retry_at=watch.after(600))
    node.balance_msat = NET_MSAT - 1
    look(watch)
    node.balance_msat = PLENTY_MSAT
    watch.advance(10)
    with unchanged_row(pk):
        assert look(watch) == 0
    assert breaker().retry_at == watch()

    for _ in range(2):
        watch.advance(25)
        run(watch)

    assert row_of(pk).state == "completed"


def test_half_open_rail_keeps_its_try_while_that_is_under_way(node: SteeredRail, watch: Watch) -> None:
    """Otherwise several payments would try it at once; what can be sent is stored all the same."""
    first = stopped(node, watch)
    RailBreaker.objects.update(state="half_open", probe_id=10**6, retry_at=watch.after(600), wait_seconds=600)
    look(watch)
    node.balance_msat = PLENTY_MSAT
    watch.advance(30)

    with unchanged_row(first):
        assert look(watch) == 0

    assert (breaker().retry_at, breaker().probe_id) == (watch.after(570), 10**6)
    assert seen().total == PLENTY_MSAT


def test_half_open_rail_is_tried_by_another_payment_when_its_try_is_over(
    node: SteeredRail, watch: Watch
) -> None:
    first = stopped(node, watch)
    RailBreaker.objects.update(state="half_open", probe_id=10**6, retry_at=watch.after(30), wait_seconds=600)
    look(watch)
    node.balance_msat = PLENTY_MSAT

    assert look_later(watch) == 1
    run(watch)

    assert row_of(first).state == "completed"
    assert breaker().state == "closed"


def test_try_that_began_after_the_breaker_was_read_is_not_moved(node: SteeredRail, watch: Watch) -> None:
    stop_rail(watch)
    read = breaker()
    watch.advance(60)
    assert take_try(read, disbursement_id=1, now=watch())

    try_sooner(breaker(), now=watch())

    assert breaker().retry_at == watch.after(60)


def test_resumed_rail_makes_all_that_waited_for_it_due_at_once(node: SteeredRail, watch: Watch) -> None:
    stop_rail(watch)
    waiting = [ordered(name) for name in ("first", "second")]
    limited = ordered("limited", at=watch())
    run(watch)
    Disbursement.objects.filter(pk=limited).update(failure_code="hour-limit")
    watch.advance(5)

    count_success(RAIL, now=watch())

    assert [row_of(pk).due_at for pk in waiting] == [watch(), watch()]
    assert row_of(limited).due_at == watch.after(55)


@pytest.mark.django_db(transaction=True)
def test_resumed_rail_wakes_the_run(node: SteeredRail, watch: Watch) -> None:
    stop_rail(watch)
    ordered()
    run(watch)

    with published() as messages:
        count_success(RAIL, now=watch())

    assert messages == [("transfers.run_due", [])]


def test_payment_deferred_just_after_the_rail_resumed_goes_with_the_next_look(
    node: SteeredRail, watch: Watch
) -> None:
    """Its worker had read the breaker before the other payment was booked."""
    pk = stopped(node, watch)
    RailBreaker.objects.update(state="closed", failures=0, failed_ids=[], retry_at=None, wait_seconds=0)
    node.balance_msat = PLENTY_MSAT

    assert look(watch) == 1
    run(watch)

    assert row_of(pk).state == "completed"


# Many at once, each for its own reason


def test_all_that_waits_is_paid_within_a_minute_of_the_money_coming_back(
    node: SteeredRail, watch: Watch
) -> None:
    """Forty-five payments, short, refused for insufficient balance and stopped; the look comes after 29 s."""
    refusals: list[SendOutcome] = [HOLD] * 5
    node.script.extend(refusals)
    holds = [ordered(f"hold{number}") for number in range(5)]
    run(watch)
    settle(watch)
    node.balance_msat = NET_MSAT - 1
    shorts = [ordered(f"short{number}", at=watch()) for number in range(20)]
    run(watch)
    stop_rail(watch)
    rest = [ordered(f"rest{number}", at=watch()) for number in range(20)]
    run(watch)
    look(watch)
    back_at = watch()
    node.balance_msat = PLENTY_MSAT

    watch.advance(29)
    assert look(watch) == 45
    for _ in range(2):
        run(watch)

    states = {row_of(pk).state for pk in (*holds, *shorts, *rest)}
    assert states == {"completed"}
    assert set(node.paid.values()) == {NET_MSAT}
    assert len(node.paid) == 45
    assert watch() - back_at <= timedelta(seconds=60)


def test_smaller_payments_go_where_a_larger_one_does_not_fit(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    large = ordered("large")
    small = ordered("small", payout_sats=1_000, priced_for=None, destination=invoice_for("small", 1_000))
    run(watch)
    node.balance_msat = NET_MSAT - 1

    assert look(watch) == 1

    assert (row_of(large).due_at, row_of(small).due_at) == (watch.after(60), watch())
