"""A rail that fails ten times in a row is stopped, tried by one payment, and resumed once that is paid."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from sunusav.core.health import DEGRADED, OK
from sunusav.core.models import OutboxMessage, TrailEntry
from tests.transfers.builders import NET_MSAT, NOW, ordered, row_of, run, settle
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from transfers.engine.breaker import (
    count_failure,
    count_refusal,
    count_success,
    count_successes,
    deferral_by_breaker,
    release_try,
)
from transfers.enums import DeferralCode, FailureClass
from transfers.health import HEALTH_CHECKS
from transfers.metrics import METRICS
from transfers.models import RailBreaker
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db

RAIL = "lightning"


def fail(count: int, *, at: object = NOW, first: int = 1) -> None:
    for number in range(count):
        count_failure(RAIL, disbursement_id=first + number, now=at)  # type: ignore[arg-type]


def breaker() -> RailBreaker:
    return RailBreaker.objects.get(pk=RAIL)


def refused(failure: FailureClass) -> Refused:
    return Refused(reason="x", failure=failure)


# What counts


@pytest.mark.parametrize("failure", [FailureClass.RETRY, FailureClass.REVIEW])
def test_refusal_that_says_something_about_the_rail_counts(failure: FailureClass) -> None:
    count_refusal(RAIL, failure, disbursement_id=1, now=NOW)

    assert (breaker().state, breaker().failures, breaker().failed_ids) == ("closed", 1, [1])


@pytest.mark.parametrize(
    "failure", [FailureClass.FINAL, FailureClass.RENEW, FailureClass.HOLD, FailureClass.STOP]
)
def test_refusal_of_one_payment_is_not_counted(failure: FailureClass) -> None:
    """The payee refused it, or our side cannot send this amount: another payment may go. STOP has a switch."""
    count_refusal(RAIL, failure, disbursement_id=1, now=NOW)

    assert not RailBreaker.objects.exists()


@pytest.mark.parametrize(
    "answer", [Unknown(seen=True, reason="in-flight"), Unknown(seen=False, reason="connection-lost")]
)
def test_answer_that_leaves_the_outcome_open_is_not_counted(
    answer: Unknown, node: SteeredRail, watch: Watch
) -> None:
    ordered()
    node.script.append(answer)
    run(watch)
    watch.advance(1)
    run(watch)

    assert not RailBreaker.objects.exists()


def test_payment_counts_once_however_often_it_fails() -> None:
    for _ in range(3):
        fail(9)

    row = breaker()
    assert (row.state, row.failures, row.failed_ids) == ("closed", 9, [1, 2, 3, 4, 5, 6, 7, 8, 9])
    fail(1, first=10)
    assert (breaker().state, breaker().failures) == ("open", 10)


def test_nine_failures_do_not_stop_a_rail_and_a_success_forgets_them() -> None:
    fail(9)
    assert (breaker().state, breaker().failures) == ("closed", 9)

    count_successes([RAIL, RAIL], now=NOW)
    assert (breaker().state, breaker().failures, breaker().failed_ids) == ("closed", 0, [])

    fail(9)
    assert breaker().state == "closed"
    assert not TrailEntry.objects.filter(subject="rail:lightning").exists()


def test_success_of_a_rail_that_fares_well_writes_nothing() -> None:
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            count_success(RAIL, now=NOW)
        assert [query["sql"].split()[0] for query in asked.captured_queries] == ["SELECT"]
        RailBreaker.objects.get_or_create(rail=RAIL, defaults={"changed_at": NOW})


# States


def test_tenth_failure_stops_the_rail_for_a_minute(settings: Settings) -> None:
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hook"
    fail(10)

    row = breaker()
    assert (row.state, row.failures, row.wait_seconds) == ("open", 10, 60)
    assert row.retry_at == NOW + timedelta(seconds=60)
    line = TrailEntry.objects.get(subject="rail:lightning")
    assert (line.action, line.from_state, line.to_state) == ("stop_rail", "closed", "open")
    assert OutboxMessage.objects.get().topic == "rail.stopped"
    held = deferral_by_breaker(RAIL, disbursement_id=1, now=NOW + timedelta(seconds=59))
    assert held is not None
    assert (held.code, held.until) == ("rail-stopped", NOW + timedelta(seconds=60))


def test_after_the_wait_exactly_one_payment_tries_the_rail() -> None:
    fail(10)
    later = NOW + timedelta(seconds=60)

    tried = [deferral_by_breaker(RAIL, disbursement_id=number, now=later) for number in (21, 22, 23)]

    assert tried[0] is None
    assert [held.code for held in tried[1:] if held] == ["rail-stopped", "rail-stopped"]
    assert (breaker().state, breaker().probe_id) == ("half_open", 21)


def test_success_of_the_try_resumes_the_rail(settings: Settings) -> None:
    settings.PLATFORM_WEBHOOK_URL = "https://platform.example/hook"
    fail(10)
    deferral_by_breaker(RAIL, disbursement_id=21, now=NOW + timedelta(seconds=60))

    count_success(RAIL, now=NOW + timedelta(seconds=61))

    row = breaker()
    assert (row.state, row.failures, row.retry_at, row.probe_id) == ("closed", 0, None, None)
    assert deferral_by_breaker(RAIL, disbursement_id=22, now=NOW + timedelta(seconds=61)) is None
    actions = (
        TrailEntry.objects.filter(subject="rail:lightning").order_by("pk").values_list("action", flat=True)
    )
    assert list(actions) == ["stop_rail", "try_rail", "resume_rail"]
    assert [message.topic for message in OutboxMessage.objects.order_by("pk")] == [
        "rail.stopped",
        "rail.resumed",
    ]


def test_failed_tries_double_the_wait_up_to_ten_minutes() -> None:
    fail(10)
    waits, now = [], NOW
    for number in range(5):
        now += timedelta(seconds=breaker().wait_seconds)
        assert deferral_by_breaker(RAIL, disbursement_id=21 + number, now=now) is None
        count_failure(RAIL, disbursement_id=21 + number, now=now)
        waits.append(breaker().wait_seconds)
        assert breaker().retry_at == now + timedelta(seconds=waits[-1])

    assert waits == [120, 240, 480, 600, 600]


def test_failure_of_another_payment_does_not_end_the_try() -> None:
    fail(10)
    deferral_by_breaker(RAIL, disbursement_id=21, now=NOW + timedelta(seconds=60))

    count_failure(RAIL, disbursement_id=22, now=NOW + timedelta(seconds=61))

    assert (breaker().state, breaker().probe_id) == ("half_open", 21)


def test_try_that_never_ends_allows_another_after_the_same_wait() -> None:
    fail(10)
    deferral_by_breaker(RAIL, disbursement_id=21, now=NOW + timedelta(seconds=60))

    assert deferral_by_breaker(RAIL, disbursement_id=22, now=NOW + timedelta(seconds=119)) is not None
    assert deferral_by_breaker(RAIL, disbursement_id=22, now=NOW + timedelta(seconds=120)) is None
    assert breaker().probe_id == 22


def tried(*, by: int) -> RailBreaker:
    """Stop the rail, and let a payment try it a minute later."""
    fail(10)
    assert deferral_by_breaker(RAIL, disbursement_id=by, now=NOW + timedelta(seconds=60)) is None
    return breaker()


@pytest.mark.parametrize("failure", [FailureClass.FINAL, FailureClass.RENEW, FailureClass.HOLD])
def test_refusal_that_says_nothing_about_the_rail_lets_another_try_at_once(failure: FailureClass) -> None:
    tried(by=21)
    later = NOW + timedelta(seconds=61)

    count_refusal(RAIL, failure, disbursement_id=21, now=later)

    assert (breaker().state, breaker().retry_at, breaker().failures) == ("half_open", later, 10)
    assert deferral_by_breaker(RAIL, disbursement_id=22, now=later) is None
    assert (breaker().probe_id, breaker().last_probe_id) == (22, 22)


@pytest.mark.parametrize(
    "why", [DeferralCode.LIQUIDITY_SHORT, DeferralCode.HOUR_LIMIT, "invoice-expired", "destination-away"]
)
def test_try_that_was_not_sent_for_reasons_of_its_own_lets_another_try_at_once(why: str) -> None:
    tried(by=21)
    later = NOW + timedelta(seconds=61)

    release_try(RAIL, disbursement_id=21, why=why, now=later)

    assert deferral_by_breaker(RAIL, disbursement_id=22, now=later) is None
    assert (breaker().wait_seconds, breaker().probe_id) == (60, 22)


def test_try_of_a_rail_that_is_unavailable_doubles_the_wait() -> None:
    tried(by=21)
    later = NOW + timedelta(seconds=61)

    release_try(RAIL, disbursement_id=21, why=DeferralCode.RAIL_UNAVAILABLE, now=later)

    row = breaker()
    assert (row.state, row.wait_seconds, row.retry_at) == ("open", 120, later + timedelta(seconds=120))


@pytest.mark.parametrize(
    ("by", "why"),
    [
        (22, DeferralCode.LIQUIDITY_SHORT),
        (22, DeferralCode.RAIL_UNAVAILABLE),
        (21, DeferralCode.RAIL_STOPPED),
    ],
)
def test_deferral_of_another_payment_does_not_end_the_try(by: int, why: str) -> None:
    before = tried(by=21)

    release_try(RAIL, disbursement_id=by, why=why, now=NOW + timedelta(seconds=61))

    assert (breaker().retry_at, breaker().probe_id) == (before.retry_at, 21)


def test_release_of_a_try_while_no_rail_is_stopped_asks_once() -> None:
    with CaptureQueriesContext(connection) as asked:
        release_try(RAIL, disbursement_id=21, why=DeferralCode.RAIL_UNAVAILABLE, now=NOW)

    assert [query["sql"].split()[0] for query in asked.captured_queries] == ["SELECT"]


# In the engine


def test_run_eleven_payments_by_a_rail_without_a_route_stops_after_ten(
    node: SteeredRail, watch: Watch
) -> None:
    ids = [ordered(f"n{number}") for number in range(11)]
    node.script.extend([refused(FailureClass.RETRY)] * 11)

    run(watch)

    assert node.sends == 10
    assert breaker().state == "open"
    last = row_of(ids[-1])
    assert (last.state, last.failure_code, last.due_at) == ("processing", "rail-stopped", watch.after(60))
    assert last.attempts.count() == 0
    assert last.retries == 0


def test_run_while_a_rail_is_stopped_defers_new_payments_and_queries_open_attempts(
    node: SteeredRail, watch: Watch
) -> None:
    under_way = ordered("under-way")
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    watch.advance(15)
    fail(10, at=watch.at, first=900)
    waits = [ordered(f"w{number}") for number in range(3)]
    node.calls.clear()

    run(watch)

    assert "prepare" not in node.calls
    assert "find" in node.calls
    assert row_of(under_way).claim_version == 2
    for disbursement_id in waits:
        row = row_of(disbursement_id)
        assert (row.failure_code, row.due_at, row.claim_version) == ("rail-stopped", watch.after(60), 0)


def test_run_after_the_wait_tries_with_one_and_then_pays_all(node: SteeredRail, watch: Watch) -> None:
    fail(10, first=900)
    waits = [ordered(f"w{number}") for number in range(3)]
    run(watch)
    assert node.sends == 0
    watch.advance(60)
    during_the_try: list[str] = []
    node.meanwhile["send"] = lambda: during_the_try.extend(row_of(pk).failure_code for pk in waits)

    run(watch)

    assert during_the_try == ["", "rail-stopped", "rail-stopped"]
    assert breaker().state == "closed"
    assert [row_of(pk).state for pk in waits] == ["completed"] * 3
    assert [row_of(pk).failure_code for pk in waits] == [""] * 3


def test_run_order_the_node_never_saw_is_not_sent_again_while_its_rail_is_stopped(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    with node.unavailable("send"):
        run(watch)
    assert row_of(disbursement_id).attempts.get().state == "prepared"
    fail(10, at=watch.at, first=900)
    watch.advance(15)
    node.calls.clear()

    run(watch)

    assert node.calls == ["find"]
    assert (row_of(disbursement_id).due_at, node.sends) == (NOW + timedelta(seconds=60 + 15), 0)
    watch.advance(60)
    run(watch)
    assert row_of(disbursement_id).state == "completed"


@pytest.mark.parametrize("call", ["prepare", "send"])
def test_run_with_the_rail_unavailable_does_not_stop_it(call: str, node: SteeredRail, watch: Watch) -> None:
    """Nothing was sent, and nobody loses a payment: all are tried again after 15 s, however long it lasts."""
    ids = [ordered(f"n{number}") for number in range(11)]
    with node.unavailable(call):
        for _ in range(3):
            run(watch)
            assert [row_of(pk).due_at for pk in ids] == [watch.after(15)] * 11
            watch.advance(15)
    assert not RailBreaker.objects.exists()

    run(watch)

    assert [row_of(pk).state for pk in ids] == ["completed"] * 11


def test_run_tries_a_stopped_rail_with_another_payment_each_time(node: SteeredRail, watch: Watch) -> None:
    """The first can never be sent, which says nothing about the rail; the next try is the next payment's."""
    fail(10, first=900)
    waits = [ordered(f"w{number}") for number in range(3)]
    run(watch)
    node.script.append(refused(FailureClass.FINAL))
    watch.advance(60)

    run(watch)
    assert (breaker().state, breaker().last_probe_id, node.sends) == ("half_open", waits[0], 1)
    watch.advance(15)
    run(watch)

    assert [row_of(pk).state for pk in waits] == ["failed", "completed", "completed"]
    assert breaker().state == "closed"


def test_run_after_a_failed_try_tries_with_the_next_payment_in_turn(node: SteeredRail, watch: Watch) -> None:
    fail(10, first=900)
    waits = [ordered(f"w{number}") for number in range(3)]
    run(watch)
    node.script.extend([refused(FailureClass.RETRY)] * 3)
    tries: list[int | None] = []
    for _ in range(60 + 120 + 240, 0, -15):
        watch.advance(15)
        run(watch)
        tries += [breaker().last_probe_id] * (node.sends - len(tries))

    assert tries == waits
    assert (breaker().state, breaker().wait_seconds) == ("open", 480)


def test_run_does_not_try_a_stopped_rail_with_a_payment_that_does_not_fit(
    node: SteeredRail, watch: Watch
) -> None:
    fail(10, first=900)
    big = ordered("big", payout_sats=200_000, destination=invoice_for("big", 198_000))
    small = ordered("small")
    node.balance_msat = NET_MSAT
    run(watch)
    watch.advance(60)

    run(watch)

    assert (row_of(big).failure_code, row_of(small).state) == ("liquidity-short", "completed")
    assert breaker().state == "closed"


def test_run_tries_a_stopped_rail_although_the_payment_in_turn_waits_for_an_earlier_order(
    node: SteeredRail, watch: Watch
) -> None:
    """Its refused order is in flight again, so it sends nothing: the rail is tried by another payment."""
    stuck = ordered("stuck")
    node.script.append(refused(FailureClass.RETRY))
    run(watch)
    settle(watch)
    fail(10, at=watch.at, first=900)
    other = ordered("other", at=watch.at)
    node.finds.extend([Unknown(seen=True, reason="in-flight")] * 100)
    for _ in range(8):
        watch.advance(15)
        run(watch)

    assert [row_of(stuck).state, row_of(other).state] == ["processing", "completed"]
    assert breaker().state == "closed"


def test_run_tries_a_stopped_rail_with_a_new_payment_although_another_order_never_arrives(
    node: SteeredRail, watch: Watch
) -> None:
    """It would be sent again, and may be lost again, at each try."""
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    lost = ordered("lost")
    run(watch)
    fail(10, at=watch.at, first=900)
    new = ordered("new", at=watch.at)
    for _ in range(60 // 15):
        watch.advance(15)
        run(watch)

    assert [row_of(lost).state, row_of(new).state] == ["processing", "completed"]
    assert (breaker().state, attempt_sends(lost)) == ("closed", 1)


def attempt_sends(disbursement_id: int) -> int:
    return row_of(disbursement_id).attempts.get().sends


# Where it is reported


def test_stopped_rail_is_reported_by_health_metrics_and_inbox() -> None:
    rails = next(check for check in HEALTH_CHECKS if check.component == "rails")
    stopped = next(metric for metric in METRICS if metric.name == "rail_stopped")
    assert rails.run(NOW).status == OK
    assert list(stopped.read(NOW)) == []

    fail(10)

    assert rails.run(NOW).status == DEGRADED
    assert rails.run(NOW).facts["stopped"] == {"lightning": "open"}
    assert [(sample.value, dict(sample.labels)) for sample in stopped.read(NOW)] == [
        (1, {"rail": "lightning", "state": "open"})
    ]
