"""A rail that fails ten times in a row is stopped, tried by one payment, and resumed once that is paid."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from sunusav.core.health import DEGRADED, OK
from sunusav.core.models import OutboxMessage, TrailEntry
from tests.transfers.builders import NOW, ordered, row_of, run
from tests.transfers.rails import SteeredRail, Watch
from transfers.engine.breaker import count_failures, count_outcome, count_success, deferral_by_breaker
from transfers.enums import FailureClass
from transfers.health import HEALTH_CHECKS
from transfers.metrics import METRICS
from transfers.models import RailBreaker
from transfers.types import NotSeen, Refused, Succeeded, Unknown

pytestmark = pytest.mark.django_db

RAIL = "lightning"


def fail(count: int, *, at: object = NOW, first: int = 1) -> None:
    for number in range(count):
        count_failures(RAIL, disbursement_ids=[first + number], now=at)  # type: ignore[arg-type]


def breaker() -> RailBreaker:
    return RailBreaker.objects.get(pk=RAIL)


def refused(failure: FailureClass) -> Refused:
    return Refused(reason="x", failure=failure)


# What counts


@pytest.mark.parametrize("failure", [FailureClass.RETRY, FailureClass.HOLD, FailureClass.REVIEW])
def test_refusal_that_is_not_the_payees_counts(failure: FailureClass) -> None:
    count_outcome(RAIL, refused(failure), disbursement_id=1, now=NOW)

    assert (breaker().state, breaker().failures) == ("closed", 1)


@pytest.mark.parametrize(
    "outcome",
    [
        refused(FailureClass.FINAL),
        refused(FailureClass.RENEW),
        Unknown(seen=True, reason="in-flight"),
        NotSeen(source="node"),
    ],
)
def test_outcome_that_proves_nothing_about_the_rail_is_not_counted(outcome: object) -> None:
    count_outcome(RAIL, outcome, disbursement_id=1, now=NOW)  # type: ignore[arg-type]

    assert not RailBreaker.objects.exists()


def test_nine_failures_do_not_stop_a_rail_and_a_success_forgets_them() -> None:
    fail(9)
    assert (breaker().state, breaker().failures) == ("closed", 9)

    count_outcome(RAIL, Succeeded(proof="00", amount_msat=1, cost_msat=0), disbursement_id=1, now=NOW)
    assert (breaker().state, breaker().failures) == ("closed", 0)

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
        count_failures(RAIL, disbursement_ids=[21 + number], now=now)
        waits.append(breaker().wait_seconds)
        assert breaker().retry_at == now + timedelta(seconds=waits[-1])

    assert waits == [120, 240, 480, 600, 600]


def test_failure_of_another_payment_does_not_end_the_try() -> None:
    fail(10)
    deferral_by_breaker(RAIL, disbursement_id=21, now=NOW + timedelta(seconds=60))

    count_failures(RAIL, disbursement_ids=[22], now=NOW + timedelta(seconds=61))

    assert (breaker().state, breaker().probe_id) == ("half_open", 21)


def test_try_that_never_ends_allows_another_after_the_same_wait() -> None:
    fail(10)
    deferral_by_breaker(RAIL, disbursement_id=21, now=NOW + timedelta(seconds=60))

    assert deferral_by_breaker(RAIL, disbursement_id=22, now=NOW + timedelta(seconds=119)) is not None
    assert deferral_by_breaker(RAIL, disbursement_id=22, now=NOW + timedelta(seconds=120)) is None
    assert breaker().probe_id == 22


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

    run(watch)
    assert node.sends == 1
    assert breaker().state == "closed"
    watch.advance(15)
    run(watch)

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
    assert (row_of(disbursement_id).due_at, node.sends) == (NOW + timedelta(seconds=60), 0)
    watch.advance(45)
    run(watch)
    assert row_of(disbursement_id).state == "completed"


def test_run_with_the_rail_unavailable_ten_times_in_a_row_stops_it(node: SteeredRail, watch: Watch) -> None:
    for number in range(10):
        ordered(f"n{number}")
    with node.unavailable("prepare"):
        run(watch)

    assert breaker().state == "open"


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
