"""Looks at rails: what is stored, which waiting payments are due at once, and that a look disturbs nothing else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from sunusav.core.actors import Actor
from sunusav.core.switches import pause_outgoing
from tests.factories.limits import set_limit_to
from tests.support.broker import published
from tests.transfers.builders import NET_MSAT, NET_SATS, claimed, ordered, row_of, run, settle
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.engine.breaker import count_failure, count_success
from transfers.engine.claims import release
from transfers.engine.deferring import make_due
from transfers.engine.liquidity import LOOK_LEASE, look_at_rails
from transfers.enums import FailureClass
from transfers.health import HEALTH_CHECKS
from transfers.metrics import METRICS
from transfers.models import Disbursement, RailBreaker, RailLiquidity
from transfers.queries import exceeds_sendable, waiting_for_rails
from transfers.rails import rail
from transfers.types import Refused, Sendable, SendOutcome, Unknown, Unusable, WaitingForRail

pytestmark = pytest.mark.django_db

RAIL = "lightning"
HOLD = Refused("insufficient-balance", FailureClass.HOLD)
NO_ROUTE = Refused("no-route", FailureClass.RETRY)
PLENTY_MSAT = 10**12


def look(watch: Watch) -> int:
    return look_at_rails([RAIL], clock=watch)


def look_later(watch: Watch) -> int:
    watch.advance(30)
    return look(watch)


def seen() -> RailLiquidity:
    return RailLiquidity.objects.get(pk=RAIL)


def stop_rail(watch: Watch) -> None:
    for number in range(10):
        count_failure(RAIL, disbursement_id=10**6 + number, now=watch())


# Ways to wait for a rail that cannot send one more payment: each returns the payment


def short(node: SteeredRail, watch: Watch) -> int:
    node.balance_msat = NET_MSAT - 1
    pk = ordered()
    run(watch)
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("liquidity-short", watch.after(60))
    return pk


def short_at_prepare(node: SteeredRail, watch: Watch) -> int:
    """The rail sends to others between the gate's question and this payment's."""
    node.balance_msat = NET_MSAT

    def spend() -> None:
        node.balance_msat -= 1

    node.meanwhile["prepare"] = spend
    pk = ordered()
    run(watch)
    assert row_of(pk).attempts.count() == 0
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("liquidity-short", watch.after(60))
    return pk


def held(node: SteeredRail, watch: Watch) -> int:
    """The node refuses it for want of balance the third time: it waits for four minutes."""
    node.script.extend([HOLD, HOLD, HOLD])
    pk = ordered()
    for seconds in (0, 30, 30, 30, 90, 30):
        watch.advance(seconds)
        run(watch)
    row = row_of(pk)
    assert (row.failure_code, row.attempts.count()) == ("insufficient-balance", 3)
    assert row.not_before == watch.after(240 - 30)
    node.balance_msat = NET_MSAT - 1
    return pk


def stopped(node: SteeredRail, watch: Watch) -> int:
    node.balance_msat = NET_MSAT - 1
    stop_rail(watch)
    pk = ordered()
    run(watch)
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("rail-stopped", watch.after(60))
    return pk


def unavailable(node: SteeredRail, watch: Watch) -> int:
    node.balance_msat = NET_MSAT - 1
    node.is_unavailable = True
    pk = ordered()
    run(watch)
    assert (row_of(pk).failure_code, row_of(pk).due_at) == ("rail-unavailable", watch.after(15))
    node.is_unavailable = False
    return pk


Waits = Callable[[SteeredRail, Watch], int]
WAYS = [short, short_at_prepare, held, stopped, unavailable]


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
    unusable = (Unusable("txid:0", 700), Unusable("txid:1", 50))
    monkeypatch.setattr(node, "sendable", lambda: Sendable(900, 400, unusable))

    assert look(watch) == 0

    row = seen()
    assert (row.total_msat, row.largest_msat, row.unusable_msat) == (900, 400, 750)
    assert row.unusable == [
        {"reference": "txid:0", "amount_msat": 700},
        {"reference": "txid:1", "amount_msat": 50},
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
    assert (row.total_msat, row.largest_msat, row.known_at, row.seen_at) == (5_000, 5_000, before, watch())
    assert (row.failure_code, row.failure_facts) == (
        "rail-unavailable",
        {"rail": RAIL, "detail": "the fake is unavailable"},
    )
    assert not row.is_available


def test_look_at_a_rail_that_was_never_available_knows_no_amounts(node: SteeredRail, watch: Watch) -> None:
    node.is_unavailable = True

    look(watch)

    assert (seen().total_msat, seen().known_at, seen().seen_at) == (None, None, watch())


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
        return Sendable(PLENTY_MSAT, PLENTY_MSAT)

    node.balance_msat = PLENTY_MSAT
    due_at = row_of(pk).due_at
    assert _looked_while(meanwhile, node, watch) == 0
    assert (row_of(pk).due_at, seen().total_msat) == (due_at, NET_MSAT - 1)


def _looked_while(answer: Callable[[], Sendable], node: SteeredRail, watch: Watch) -> int:
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
    watch.advance(5)

    assert look(watch) == 1
    run(watch)

    row = row_of(pk)
    assert (row.state, row.attempts.count(), row.due_at) == ("processing", 1, watch.after(25))
    watch.advance(25)
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
    RailLiquidity.objects.update(total_msat=PLENTY_MSAT, largest_msat=PLENTY_MSAT, known_at=watch())

    look_later(watch)
    run(watch)

    assert row_of(pk).state == "completed"


def test_half_open_rail_is_tried_by_another_payment_when_it_can_send_more(
    node: SteeredRail, watch: Watch
) -> None:
    """The try before is under way, and would keep the rail for ten minutes."""
    first = stopped(node, watch)
    RailBreaker.objects.update(state="half_open", probe_id=10**6, retry_at=watch.after(600), wait_seconds=600)
    look(watch)
    node.balance_msat = PLENTY_MSAT

    look_later(watch)
    run(watch)

    assert row_of(first).state == "completed"
    assert breaker().state == "closed"


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
    """Forty-five payments, short, refused for want of balance and stopped; the look comes after 29 s."""
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


# What health, metrics and pages read


def health(watch: Watch) -> tuple[str, dict[str, Any]]:
    (report,) = [check.run(watch()) for check in HEALTH_CHECKS if check.component == "liquidity"]
    return report.status, report.facts


def test_health_is_degraded_by_an_old_look(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 700
    assert health(watch) == ("ok", {})
    look(watch)
    facts = {
        "age_seconds": 120, "is_available": True, "sendable_msat": 700, "largest_payment_msat": 700,
        "unusable_msat": 0,
    }  # fmt: skip
    watch.advance(120)
    assert health(watch) == ("ok", {"lightning": facts})
    watch.advance(1)
    assert health(watch) == ("degraded", {"lightning": {**facts, "age_seconds": 121}})


def test_health_without_a_look_is_degraded_two_minutes_after_the_first_attempt(
    node: SteeredRail, watch: Watch
) -> None:
    ordered()
    run(watch)
    watch.advance(120)
    assert health(watch) == ("ok", {})
    watch.advance(1)
    assert health(watch) == ("degraded", {})


def test_health_is_degraded_by_unusable_money_and_by_an_unavailable_rail(
    node: SteeredRail, watch: Watch
) -> None:
    look(watch)
    assert health(watch)[0] == "ok"
    RailLiquidity.objects.update(unusable=[{"reference": "txid:0", "amount_msat": 7}])
    status, facts = health(watch)
    assert (status, facts["lightning"]["unusable_msat"]) == ("degraded", 7)

    node.is_unavailable = True
    RailLiquidity.objects.update(unusable=[])
    look(watch)
    status, facts = health(watch)
    assert (status, facts["lightning"]["is_available"]) == ("degraded", False)


def test_metrics_have_the_amounts_of_each_rail_and_their_age(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> dict[str, list[tuple[int, dict[str, str]]]]:
        return {
            metric.name: [(one.value, dict(one.labels)) for one in metric.read(watch())] for metric in METRICS
        }

    assert read()["rail_sendable_msat"] == []
    monkeypatch.setattr(node, "sendable", lambda: Sendable(900, 400, (Unusable("txid:0", 700),)))
    look(watch)
    node.is_unavailable = True
    watch.advance(45)
    monkeypatch.undo()
    look(watch)

    shown = read()
    labels = {"rail": "lightning"}
    assert shown["rail_sendable_msat"] == [(900, labels)]
    assert shown["rail_largest_payment_msat"] == [(400, labels)]
    assert shown["rail_unusable_msat"] == [(700, labels)]
    assert shown["rail_liquidity_age_seconds"] == [(45, labels)]


@pytest.mark.parametrize("waits", WAYS)
def test_payment_that_waits_for_its_rail_is_counted_until_it_is_paid(
    waits: Waits, node: SteeredRail, watch: Watch
) -> None:
    assert waiting_for_rails() == {}

    waits(node, watch)

    assert waiting_for_rails() == {"lightning": WaitingForRail(1, NET_SATS, NET_SATS)}
    look(watch)
    node.balance_msat = PLENTY_MSAT
    look(watch)
    run(watch)
    assert waiting_for_rails() == {}


def test_payments_that_wait_for_something_else_are_not_counted(node: SteeredRail, watch: Watch) -> None:
    set_limit_to("total_hour", NET_SATS, now=watch())
    node.script.append(NO_ROUTE)
    for name in ("retried", "limited"):
        ordered(name)
    run(watch)

    assert waiting_for_rails() == {}


@pytest.mark.parametrize(
    ("total_sats", "largest_sats", "sendable", "exceeds"),
    [
        (100, 60, (100_000, 60_000), False),
        (101, 60, (100_000, 60_000), True),
        (100, 61, (100_000, 60_000), True),
        (100, 60, (None, None), False),
    ],
)
def test_waiting_payments_exceed_what_can_be_sent_in_all_or_in_one(
    total_sats: int,
    largest_sats: int,
    sendable: tuple[int | None, int | None],
    exceeds: bool,
    node: SteeredRail,
) -> None:
    row = RailLiquidity(rail=RAIL, total_msat=sendable[0], largest_msat=sendable[1])

    assert exceeds_sendable(WaitingForRail(2, total_sats, largest_sats), row, node) is exceeds
