"""Statements of providers against the books, in both directions; and the commands that query everything open."""

import gc
import tracemalloc
import weakref
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.auditor import audit_and_guard
from ledger.types import msat
from sunusav.core import clock
from sunusav.core.models import TrailEntry
from sunusav.core.switches import outgoing
from tests.fakes.rail import ROUTING_FEE_MSAT
from tests.transfers.builders import (
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    attempts,
    claimed,
    ordered,
    row_of,
    run,
    snapshot,
)
from tests.transfers.collecting import DUE_MSAT, opened, stored
from tests.transfers.rails import SteeredCollector, SteeredRail, Watch, hash_of, invoice_for
from tests.transfers.resolution_cases import PAID as RESOLVED_AS_PAID
from tests.transfers.resolution_cases import Case
from tests.transfers.unchanged import unchanged
from transfers.enums import FailureClass, MismatchCode
from transfers.health import HEALTH_CHECKS
from transfers.matching import LINES_AT_A_TIME, MOST_KEPT, MOVING, Mismatch, match_rail
from transfers.metrics import METRICS
from transfers.models import Attempt, RailMatch
from transfers.rails import rails_with_statement
from transfers.services.matching import match_rails
from transfers.services.reconciliation import make_open_attempts_due
from transfers.tasks import match_rails_task
from transfers.types import ProviderPayment, Refused, Unknown

pytestmark = pytest.mark.django_db

AWA = hash_of("awa", NET_SATS)
A_MOMENT = MOVING.total_seconds() + 1
OF_NET = {"amount": NET_MSAT, "currency": "msat"}
PAID_BY_HAND = Mismatch("unknown", MismatchCode.PAID_NOT_BOOKED, {"amount": 5_000, "currency": "msat"})


def line(reference: str = AWA, **changes: Any) -> ProviderPayment:
    facts = {
        "is_paid": True,
        "is_open": False,
        "amount": msat(NET_MSAT),
        "cost": msat(ROUTING_FEE_MSAT),
        **changes,
    }
    return ProviderPayment(reference=reference, **facts)


def open_line(reference: str = AWA) -> ProviderPayment:
    return line(reference, is_paid=False, is_open=True)


def matched(watch: Watch) -> list[Mismatch]:
    """Match the rail as a run does that begins now."""
    report = match_rail("lightning", now=watch())
    assert report.mismatches_found == len(report.mismatches)
    return report.mismatches


def matched_later(watch: Watch) -> list[Mismatch]:
    """Match the rail once nothing is moving any more."""
    watch.advance(A_MOMENT)
    return matched(watch)


def test_match_after_a_payment_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    ordered()
    run(watch)

    assert matched_later(watch) == []


def test_match_of_a_payment_made_by_hand_reports_it(node: SteeredRail, watch: Watch) -> None:
    node.paid["unknown"] = 5_000

    assert matched(watch) == [PAID_BY_HAND]


def test_match_of_a_payment_that_was_refused_in_the_books_names_its_disbursement(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(Refused(reason="no-route", failure=FailureClass.FINAL))
    run(watch)
    node.paid[AWA] = NET_MSAT

    assert matched_later(watch) == [Mismatch(AWA, MismatchCode.PAID_NOT_BOOKED, OF_NET, disbursement_id)]


def test_match_of_a_payment_only_in_the_books_reports_it(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    run(watch)
    node.lines = []

    assert matched_later(watch) == [Mismatch(AWA, MismatchCode.BOOKED_NOT_PAID, OF_NET, disbursement_id)]


@pytest.mark.parametrize("changes", [{"amount": NET_MSAT - 1}, {"cost": 1_501}])
def test_match_of_a_payment_with_other_amounts_reports_both(
    changes: dict[str, int], node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    run(watch)
    listed: dict[str, Any] = {name: msat(amount) for name, amount in changes.items()}
    node.lines = [line(**listed)]

    facts = {
        "amount": NET_MSAT, "cost": 1_500, "booked": NET_MSAT, "booked_cost": 1_500, "currency": "msat",
    } | changes  # fmt: skip
    assert matched_later(watch) == [Mismatch(AWA, MismatchCode.AMOUNTS_DIFFER, facts, disbursement_id)]


def test_match_of_a_payment_that_the_provider_lists_twice_reports_it(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    run(watch)
    node.lines = [line(), *(line(f"other-{n}", is_paid=False) for n in range(LINES_AT_A_TIME)), line()]

    assert matched_later(watch) == [Mismatch(AWA, MismatchCode.PAID_TWICE, OF_NET, disbursement_id)]


def test_match_under_way_on_both_sides_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    node.lines = [open_line()]

    assert matched_later(watch) == []


def test_match_of_an_unknown_payment_under_way_reports_it(node: SteeredRail, watch: Watch) -> None:
    node.lines = [open_line("unknown")]

    assert matched(watch) == [Mismatch("unknown", MismatchCode.OPEN_NOT_BOOKED, OF_NET)]


def test_match_while_a_payment_is_made_after_its_page_was_listed_finds_nothing(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.meanwhile["statement"] = lambda: run(watch)

    assert matched(watch) == []
    assert snapshot(disbursement_id) == PAID
    assert matched_later(watch) == []


def test_match_while_an_open_payment_settles_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    node.paid[AWA] = NET_MSAT
    node.lines = [open_line()]
    watch.advance(3_600)
    node.meanwhile["statement"] = lambda: run(watch)

    assert matched(watch) == []
    assert snapshot(disbursement_id) == PAID


def test_match_while_a_payment_is_begun_finds_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Refused(reason="no-route", failure=FailureClass.FINAL))
    node.lines = [open_line()]
    node.meanwhile["statement"] = lambda: run(watch)

    assert matched(watch) == []
    assert [attempt.state for attempt in attempts(disbursement_id)] == ["failed"]
    assert matched_later(watch) == [Mismatch(AWA, MismatchCode.OPEN_NOT_BOOKED, OF_NET, disbursement_id)]


def test_match_of_a_payment_that_was_just_closed_leaves_it_to_the_next_run(
    node: SteeredRail, watch: Watch
) -> None:
    """A row is committed some time after the moment it bears: a run that began meanwhile must not judge it."""
    ordered()
    run(watch)
    node.lines = []
    watch.advance(MOVING.total_seconds())

    assert matched(watch) == []
    watch.advance(1)
    assert [mismatch.code for mismatch in matched(watch)] == ["booked-not-paid"]


def test_match_of_a_paid_attempt_still_open_at_the_provider_reports_it(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    run(watch)
    node.lines = [open_line()]

    assert matched_later(watch) == [
        Mismatch(AWA, MismatchCode.OPEN_NOT_BOOKED, OF_NET, disbursement_id),
        Mismatch(AWA, MismatchCode.BOOKED_NOT_PAID, OF_NET, disbursement_id),
    ]


def test_match_of_a_payment_that_two_people_resolved_as_paid_finds_nothing(
    node: SteeredRail, watch: Watch
) -> None:
    """The provider never answered: that is why they decided."""
    case = Case(node, watch)
    case.approve(case.propose(RESOLVED_AS_PAID))
    assert attempts(case.id)[0].state == "succeeded"

    assert matched_later(watch) == []


def unanswered(watch: Watch, node: SteeredRail, *, seen: bool) -> int:
    """Return a disbursement whose order can be paid for an hour, and about which no answer came."""
    destination = invoice_for("awa", NET_SATS, expires_at=NOW + timedelta(hours=1))
    disbursement_id = ordered(destination=destination)
    node.script.append(Unknown(seen=seen, reason="no-answer"))
    run(watch)
    return disbursement_id


def test_match_of_an_attempt_that_was_never_answered_reports_it_once_its_order_has_ended(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = unanswered(watch, node, seen=False)
    (attempt,) = attempts(disbursement_id)
    assert attempt.state == "prepared"
    watch.at = attempt.order.give_up_after + MOVING

    assert matched(watch) == []
    watch.advance(1)
    assert matched(watch) == [Mismatch(AWA, MismatchCode.NEVER_ANSWERED, OF_NET, disbursement_id)]


def test_match_of_an_attempt_that_the_provider_knew_and_no_longer_lists_reports_it(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = unanswered(watch, node, seen=True)

    assert matched(watch) == []
    assert matched_later(watch) == [Mismatch(AWA, MismatchCode.SEEN_NOT_LISTED, OF_NET, disbursement_id)]


@pytest.mark.parametrize("seen", [True, False])
def test_match_of_an_open_attempt_that_the_provider_lists_in_any_state_finds_nothing(
    seen: bool, node: SteeredRail, watch: Watch
) -> None:
    """The engine queries it: the provider has the answer."""
    unanswered(watch, node, seen=seen)
    node.lines = [line(is_paid=False)]
    watch.advance(7_200)

    assert matched(watch) == []


# Streaming


class CountedStatement:
    """A statement of many lines that are made when they are asked for; counts how many of them exist at once."""

    def __init__(self, count: int) -> None:
        self.count, self.alive, self.most_alive = count, 0, 0

    def __iter__(self) -> Iterator[ProviderPayment]:
        for number in range(self.count):
            made = line(f"failed-{number}", is_paid=False)
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
            weakref.finalize(made, self._gone)
            yield made

    def _gone(self) -> None:
        self.alive -= 1


def test_match_holds_two_pages_of_a_statement_at_most(node: SteeredRail, watch: Watch) -> None:
    statement = CountedStatement(20 * LINES_AT_A_TIME)
    node.statement = lambda: statement  # type: ignore[method-assign]

    assert match_rail("lightning", now=watch()).lines_read == 20 * LINES_AT_A_TIME
    assert statement.most_alive <= 2 * LINES_AT_A_TIME


def test_match_of_ten_times_the_lines_needs_no_more_memory(node: SteeredRail, watch: Watch) -> None:
    def peak_bytes(lines: int) -> int:
        statement = CountedStatement(lines)
        node.statement = lambda: statement  # type: ignore[method-assign]
        gc.collect()
        tracemalloc.start()
        match_rail("lightning", now=watch())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(LINES_AT_A_TIME)  # fills caches

    # If it kept the lines, it would need ten times as much.
    assert peak_bytes(20 * LINES_AT_A_TIME) < 3 * peak_bytes(2 * LINES_AT_A_TIME)


def test_match_asks_the_database_once_for_each_page_of_lines_and_of_attempts(
    node: SteeredRail, watch: Watch
) -> None:
    for name in ("awa", "binta", "coumba"):
        ordered(name)
    run(watch)
    node.lines = [line(hash_of(name, NET_SATS)) for name in ("awa", "binta", "coumba")]
    node.lines += [line(f"failed-{number}", is_paid=False) for number in range(3 * LINES_AT_A_TIME - 3)]
    watch.advance(A_MOMENT)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        report = match_rail("lightning", now=watch())

    assert (report.lines_read, report.attempts_read, report.mismatches) == (3 * LINES_AT_A_TIME, 3, [])
    assert len(queries) == 3 + 1


def test_match_with_many_mismatches_keeps_the_first_and_counts_all(node: SteeredRail, watch: Watch) -> None:
    node.paid = {f"unknown-{number}": 1_000 for number in range(MOST_KEPT + 7)}

    report = match_rail("lightning", now=watch())

    assert (report.mismatches_found, len(report.mismatches)) == (MOST_KEPT + 7, MOST_KEPT)


# What is stored and shown


def match(watch: Watch) -> int:
    return match_rails(["lightning"], clock=watch)


def test_match_rails_stores_each_run_and_what_differed(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    run(watch)
    watch.advance(A_MOMENT)
    assert match(watch) == 0
    node.lines = [line(amount=msat(NET_MSAT + 1)), line("unknown")]

    assert match(watch) == 2

    first, second = RailMatch.objects.order_by("pk")
    assert (first.rail, first.started_at, first.ended_at) == ("lightning", watch(), watch())
    assert (first.lines_read, first.attempts_read, first.mismatches_found) == (1, 1, 0)
    assert (second.lines_read, second.attempts_read, second.mismatches_found) == (2, 1, 2)
    assert list(second.mismatches.values_list("code", "reference", "disbursement_id")) == [
        ("amounts-differ", AWA, disbursement_id),
        ("paid-not-booked", "unknown", None),
    ]
    assert first.mismatches.count() == 0


def test_match_rails_records_in_the_trail_only_what_the_last_run_did_not_find(
    node: SteeredRail, watch: Watch
) -> None:
    node.paid["unknown"] = 5_000
    match(watch)
    match(watch)
    node.paid["another"] = 6_000
    match(watch)

    found = TrailEntry.objects.filter(subject="rail:lightning", action="find_mismatches").order_by("pk")
    assert [entry.facts for entry in found] == [
        {"count": 1, "first": [["paid-not-booked", "unknown"]]},
        {"count": 2, "first": [["paid-not-booked", "another"]]},
    ]


def test_match_rails_while_one_is_unavailable_matches_the_others(
    node: SteeredRail, watch: Watch, settings: Any
) -> None:
    settings.RAILS = {"wave": "tests.transfers.test_matching.OtherRail", **configured.RAILS}
    with node.unavailable("statement"):
        assert match_rails(["lightning", "wave"], clock=watch) == 0

    assert list(RailMatch.objects.values_list("rail", flat=True)) == ["wave"]


class OtherRail(SteeredRail):
    name = "wave"


def health(watch: Watch) -> tuple[str, dict[str, Any]]:
    (report,) = [check.run(watch()) for check in HEALTH_CHECKS if check.component == "matching"]
    return report.status, report.facts


def test_health_of_matching_is_degraded_by_mismatches_and_by_age(node: SteeredRail, watch: Watch) -> None:
    assert health(watch) == ("ok", {})
    match(watch)
    assert health(watch) == ("ok", {"lightning": {"age_seconds": 0, "lines_read": 0, "mismatches": 0}})
    watch.advance(86_400)
    assert health(watch)[0] == "ok"
    watch.advance(1)
    assert health(watch) == (
        "degraded",
        {"lightning": {"age_seconds": 86_401, "lines_read": 0, "mismatches": 0}},
    )
    node.paid["unknown"] = 5_000
    match(watch)
    assert health(watch) == ("degraded", {"lightning": {"age_seconds": 0, "lines_read": 1, "mismatches": 1}})


def test_health_without_a_match_is_degraded_a_day_after_the_first_attempt(
    node: SteeredRail, watch: Watch
) -> None:
    ordered()
    run(watch)
    watch.advance(86_400)
    assert health(watch) == ("ok", {})
    watch.advance(1)
    assert health(watch) == ("degraded", {})


def test_metrics_have_age_and_mismatches_of_each_rail(node: SteeredRail, watch: Watch) -> None:
    node.paid["unknown"] = 5_000
    match(watch)
    watch.advance(60)

    read = {metric.name: list(metric.read(watch())) for metric in METRICS}
    assert [(sample.value, sample.labels) for sample in read["rail_mismatches"]] == [
        (1, {"rail": "lightning"})
    ]
    assert [sample.value for sample in read["rail_match_age_seconds"]] == [60]


def test_audit_reports_the_mismatches_of_the_last_match_as_waiting_and_pauses_nothing(
    node: SteeredRail, watch: Watch
) -> None:
    node.paid["unknown"] = 5_000
    match(watch)

    report = audit_and_guard(now=watch())

    assert [(one.invariant, one.subject, one.detail) for one in report.waiting] == [
        ("I20", "rail:lightning", "1 payments differ from the provider's statement")
    ]
    assert (report.exit_code, outgoing().is_open) == (2, True)
    node.paid.clear()
    match(watch)
    assert audit_and_guard(now=watch()).exit_code == 0


# The commands


def test_make_open_attempts_due_does_not_change_claimed_ones(node: SteeredRail, watch: Watch) -> None:
    busy, free = ordered("awa"), ordered("binta")
    node.script.extend(Unknown(seen=True, reason="in-flight") for _ in range(2))
    run(watch)
    watch.advance(15)
    claimed(busy, watch)

    assert make_open_attempts_due(now=watch()) == 1
    assert row_of(free).due_at == watch()


@pytest.mark.parametrize("seen", [True, False])
def test_make_open_attempts_due_takes_seen_and_never_answered_ones(
    seen: bool, node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = unanswered(watch, node, seen=seen)

    assert make_open_attempts_due(now=watch()) == 1
    assert row_of(disbursement_id).due_at == watch()


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_reconcile_payouts_queries_everything_open_and_matches(
    node: SteeredRail, lightning_collector: SteeredCollector
) -> None:
    now = clock.now()
    disbursement_id, facts = ordered(at=now), opened(now=now)
    node.script.append(Unknown(seen=True, reason="no-answer"))
    run(Watch(now))
    node.paid[AWA], lightning_collector.received[facts.reference] = NET_MSAT, DUE_MSAT

    output = StringIO()
    call_command("reconcile_payouts", stdout=output)

    assert (snapshot(disbursement_id), stored(facts).state) == (PAID, "settled")
    assert output.getvalue().splitlines() == [
        "1 open attempts to query",
        "1 open collections to query",
        "the providers and the books agree",
    ]
    assert set(RailMatch.objects.values_list("rail", "mismatches_found")) == {("lightning", 0), ("franc", 0)}


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_reconcile_payouts_queries_what_was_prepared_and_never_answered(node: SteeredRail) -> None:
    now = clock.now()
    disbursement_id = ordered(at=now)
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(Watch(now))
    assert [attempt.state for attempt in attempts(disbursement_id)] == ["prepared"]
    node.paid[AWA] = NET_MSAT

    output = StringIO()
    call_command("reconcile_payouts", stdout=output)

    assert output.getvalue().splitlines()[0] == "1 open attempts to query"
    assert (snapshot(disbursement_id), node.sends) == (PAID, 1)


def test_reconcile_payouts_only_match_with_a_mismatch_changes_nothing_and_fails(node: SteeredRail) -> None:
    node.paid["unknown"] = 5_000
    errors = StringIO()
    with unchanged(), pytest.raises(CommandError, match="1 payments differ"):
        call_command("reconcile_payouts", "--only-match", stderr=errors)
    assert errors.getvalue() == "unknown: 5000 msat were paid at the provider and are not in the books.\n"


def test_process_payouts_pays_what_is_due_and_reports_how_many(node: SteeredRail) -> None:
    disbursement_id = ordered(at=clock.now())

    output = StringIO()
    call_command("process_payouts", "--slots", "1", stdout=output)

    assert output.getvalue() == "1 disbursements claimed\n"
    assert [attempt.state for attempt in attempts(disbursement_id)] == ["succeeded"]
    assert Attempt.objects.get().order.reference == AWA


def test_process_payouts_lists_payments_that_broke_their_worker(node: SteeredRail) -> None:
    disbursement_id = ordered(at=clock.now())

    def fail() -> None:
        raise ZeroDivisionError

    node.meanwhile["send"] = fail
    errors = StringIO()
    call_command("process_payouts", "--slots", "1", stdout=StringIO(), stderr=errors)

    assert (
        errors.getvalue()
        == f"disbursement {disbursement_id} (cycle:awa) broke its worker: ZeroDivisionError\n"
    )


def test_rail_whose_provider_lists_no_payments_is_not_matched_and_alarms_nobody(
    node: SteeredRail, watch: Watch, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RAILS = {"lightning": settings.RAILS["lightning"]}
    monkeypatch.setattr(node, "has_statement", False)
    ordered()
    run(watch)
    watch.advance(3 * 24 * 3_600)

    match_rails_task()

    assert (RailMatch.objects.count(), rails_with_statement()) == (0, [])
    assert health(watch) == ("ok", {})
    call_command("reconcile_payouts", "--only-match")
