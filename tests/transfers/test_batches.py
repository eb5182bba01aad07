"""Many payments in one run: written together, each paid once, and none stopped by what is wrong with another."""

import pytest
from django.db import connection
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from ledger.auditor import audit
from sunusav.core.auditing import Breach
from sunusav.core.health import DEGRADED, OK
from sunusav.core.models import Switch, TrailEntry
from sunusav.core.switches import pause_outgoing
from tests.factories.limits import set_limit_to
from tests.transfers.builders import (
    BY,
    NET_MSAT,
    NET_SATS,
    NOW,
    attempts,
    ordered,
    row_of,
    run,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from transfers.engine import runner
from transfers.engine.claims import claim_due
from transfers.engine.destinations import order_of
from transfers.engine.flow_runner import Inline
from transfers.engine.paid import close_as_paid
from transfers.enums import FailureClass
from transfers.health import HEALTH_CHECKS
from transfers.models import Attempt, Disbursement
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db

NAMES = ("awa", "binta", "coumba")
PAID_SNAPSHOT = ("completed", ["succeeded"])
WAITING_SNAPSHOT = ("processing", ["prepared"])


@pytest.fixture
def three() -> list[int]:
    return [ordered(name) for name in NAMES]


def run_batch(watch: Watch, slots: int = 32) -> int:
    """Let one worker do all that is due, with this many slots; provider calls are made one after the other."""
    return runner.run(claim_due, slots=slots, limit=1_000, clock=watch, executor=Inline()).worked


def snapshots(ids: list[int]) -> list[tuple[str, list[str]]]:
    return [(row_of(one).state, [attempt.state for attempt in attempts(one)]) for one in ids]


def taken_by_another(disbursement_id: int, watch: Watch) -> None:
    Disbursement.objects.filter(pk=disbursement_id).update(
        claim_version=F("claim_version") + 1, claimed_by="worker-2", due_at=watch.after(20)
    )


def breaches(watch: Watch) -> list[Breach]:
    """Audit the books. Pots of these tests have no cycles behind them, which I05 misses."""
    return [breach for breach in audit(now=watch()).breaches if breach.invariant != "I05"]


# Together


def test_run_with_nothing_due_takes_one_statement(
    watch: Watch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ordered("later", scheduled_at=watch.after(60))

    with django_assert_num_queries(1):
        assert runner.run_due(clock=watch).worked == 0


def test_batch_of_thirty_two_is_paid_in_few_statements(
    node: SteeredRail, watch: Watch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    names = [f"winner-{number}" for number in range(32)]
    ids = [ordered(name) for name in names]

    with django_assert_max_num_queries(64):
        assert run_batch(watch) == 32

    assert snapshots(ids) == [PAID_SNAPSHOT] * 32
    assert node.paid == {hash_of(name, NET_SATS): NET_MSAT for name in names}
    assert breaches(watch) == []


def test_batch_of_one_is_paid_in_few_statements(
    watch: Watch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Among them the gates before the claim, the limits, and four to open and close two transactions."""
    first = ordered("first")
    run(watch)
    paid = ordered()
    with django_assert_max_num_queries(34):
        run(watch)
    assert snapshots([first, paid]) == [PAID_SNAPSHOT] * 2


def test_batch_writes_the_same_trail_as_one_by_one(watch: Watch, three: list[int]) -> None:
    run_batch(watch)
    alone = ordered("alone")
    run(watch)

    def trail(disbursement_id: int) -> list[tuple[str, str, str, list[str]]]:
        lines = TrailEntry.objects.filter(subject=f"disbursement:{disbursement_id}").order_by("id")
        return [(line.action, line.from_state, line.to_state, sorted(line.facts)) for line in lines]

    assert [trail(one) for one in three] == [trail(alone)] * 3
    assert len(trail(alone)) == 5


def test_batch_is_paid_where_inserts_of_many_rows_return_no_keys(
    node: SteeredRail, watch: Watch, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As MySQL 8 does; MariaDB and SQLite return them."""
    monkeypatch.setattr(type(connection.features), "can_return_rows_from_bulk_insert", False)

    run_batch(watch)

    assert snapshots(three) == [PAID_SNAPSHOT] * 3
    assert breaches(watch) == []
    orders = Attempt.objects.values_list("disbursement", "order__disbursement", "order__reference")
    assert sorted(orders) == [(one, one, hash_of(n, NET_SATS)) for one, n in zip(three, NAMES, strict=True)]


def test_batch_larger_than_its_slots_is_paid_in_several_rounds(node: SteeredRail, watch: Watch) -> None:
    ids = [ordered(f"winner-{number}") for number in range(11)]

    assert run_batch(watch, slots=3) == 11

    assert snapshots(ids) == [PAID_SNAPSHOT] * 11
    assert set(node.paid.values()) == {NET_MSAT}


# One payment among others


def test_batch_with_a_refusal_and_a_doubt_pays_the_others(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    three.append(ordered("dior"))
    node.script.extend(
        [Refused("no-route", FailureClass.RETRY), Unknown(seen=False, reason="connection-lost")]
    )

    run_batch(watch)

    assert snapshots(three) == [("processing", ["failed"]), WAITING_SNAPSHOT, PAID_SNAPSHOT, PAID_SNAPSHOT]
    assert (row_of(three[0]).due_at, row_of(three[0]).not_before) == (watch.after(30), watch.after(60))
    assert row_of(three[1]).due_at == watch.after(1)
    assert breaches(watch) == []


def test_batch_with_an_invoice_used_twice_pays_it_once(node: SteeredRail, watch: Watch) -> None:
    """Both were ordered before either was opened: the insert of all fails, and each is tried alone."""
    ids = [ordered("awa"), ordered("twin", destination=invoice_for("awa", NET_SATS)), ordered("coumba")]

    run_batch(watch)

    assert snapshots(ids) == [PAID_SNAPSHOT, ("failed", []), PAID_SNAPSHOT]
    assert row_of(ids[1]).failure_code == "payment-reference-used"
    assert node.paid == {hash_of(name, NET_SATS): NET_MSAT for name in ("awa", "coumba")}
    assert breaches(watch) == []


def test_batch_that_fills_an_hours_limit_pays_what_fits_and_defers_the_rest(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    three += [ordered("dior"), ordered("elodie")]
    set_limit_to("total_hour", 3 * NET_SATS, now=NOW)

    run_batch(watch)

    assert snapshots(three) == [PAID_SNAPSHOT] * 3 + [("processing", [])] * 2
    assert [row_of(one).failure_code for one in three] == ["", "", "", "hour-limit", "hour-limit"]
    assert node.sends == 3
    assert breaches(watch) == []


def test_batch_of_which_none_may_go_is_deferred(node: SteeredRail, watch: Watch, three: list[int]) -> None:
    set_limit_to("per_payout", NET_SATS - 1, now=NOW)

    run_batch(watch)

    assert snapshots(three) == [("needs_review", [])] * 3
    assert node.sends == 0


@pytest.mark.parametrize("call", ["prepare", "send"])
def test_batch_that_loses_one_claim_goes_on_with_the_others(
    call: str, node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    node.meanwhile[call] = lambda: taken_by_another(three[1], watch)

    run_batch(watch)

    # The send was under way: a payment that certainly happened is booked without a claim.
    lost = PAID_SNAPSHOT if call == "send" else ("processing", [])
    assert snapshots(three) == [PAID_SNAPSHOT, lost, PAID_SNAPSHOT]
    assert row_of(three[1]).claimed_by == ("" if call == "send" else "worker-2")
    assert node.sends == (3 if call == "send" else 2)
    assert breaches(watch) == []


def test_batch_that_loses_a_claim_while_it_sends_records_no_refusal_for_it(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    node.script.append(Refused("no-route", FailureClass.FINAL))
    node.meanwhile["send"] = lambda: taken_by_another(three[0], watch)

    run_batch(watch)

    assert snapshots(three) == [WAITING_SNAPSHOT, PAID_SNAPSHOT, PAID_SNAPSHOT]
    assert row_of(three[0]).claimed_by == "worker-2"


def test_batch_with_one_payment_booked_by_another_worker_books_it_once(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    def booked_by_another() -> None:
        opened = Attempt.objects.select_related("order").order_by("disbursement")
        node.script.extend(node._pay(order_of(attempt.order)) for attempt in opened)
        assert close_as_paid(opened[2], node._receipt(order_of(opened[2].order)), now=watch())

    node.meanwhile["send"] = booked_by_another

    run_batch(watch)

    assert snapshots(three) == [PAID_SNAPSHOT] * 3
    assert Attempt.objects.filter(state="succeeded").count() == 3
    assert breaches(watch) == []


def test_batch_paused_between_opening_and_sending_sends_nothing_until_resumed(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    node.meanwhile["prepare"] = lambda: pause_outgoing(actor=BY, reason="for this test", now=watch())

    run_batch(watch)

    assert snapshots(three) == [WAITING_SNAPSHOT] * 3
    assert node.sends == 0
    watch.advance(15)
    run_batch(watch)
    assert (snapshots(three), node.sends) == ([WAITING_SNAPSHOT] * 3, 0)

    Switch.objects.update(is_open=True)
    watch.advance(60)
    run_batch(watch)
    assert snapshots(three) == [PAID_SNAPSHOT] * 3
    assert node.sends == 3


def test_batch_whose_rail_becomes_unavailable_is_sent_later(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    with node.unavailable("send"):
        run_batch(watch)
    assert snapshots(three) == [WAITING_SNAPSHOT] * 3

    watch.advance(15)
    run_batch(watch)
    assert snapshots(three) == [PAID_SNAPSHOT] * 3
    assert node.sends == 3


def test_batch_of_open_attempts_is_queried_and_booked_together(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    node.script.extend([Unknown(seen=True, reason="in-flight")] * 3)
    run_batch(watch)
    for attempt in Attempt.objects.select_related("order"):
        node._pay(order_of(attempt.order))

    watch.advance(15)
    run_batch(watch)

    assert snapshots(three) == [PAID_SNAPSHOT] * 3
    assert node.sends == 3


# Claims that wait for a slot


def test_claim_that_waits_past_its_lease_is_not_worked_on(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    """A run with one slot claims several; while the first is slow, other workers may claim the rest."""

    def slow() -> None:
        watch.advance(20)
        others = claim_due(worker="worker-2", now=watch(), limit=10)
        assert [claim.disbursement_id for claim in others] == three

    node.meanwhile["send"] = slow

    assert run(watch) == 3

    assert snapshots(three) == [PAID_SNAPSHOT, ("processing", []), ("processing", [])]
    assert node.calls == ["prepare", "send"]


# Broken workers


def test_disbursement_that_breaks_its_worker_stops_no_other_and_is_reported(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    [backlog] = [check for check in HEALTH_CHECKS if check.component == "backlog"]
    node.meanwhile["prepare"] = lambda: 1 // 0

    run_batch(watch)

    assert snapshots(three) == [("processing", []), PAID_SNAPSHOT, PAID_SNAPSHOT]
    broken = row_of(three[0])
    assert (broken.failure_code, broken.due_at) == ("worker-broke", watch.after(20))
    assert broken.failure_facts == {"error": "ZeroDivisionError"}
    report = backlog.run(watch())
    assert (report.status, report.facts["broke_a_worker"]) == (DEGRADED, 1)

    watch.advance(20)
    run_batch(watch)
    assert snapshots(three) == [PAID_SNAPSHOT] * 3
    assert row_of(three[0]).failure_code == ""
    assert (backlog.run(watch()).status, backlog.run(watch()).facts["broke_a_worker"]) == (OK, 0)


def test_disbursement_that_breaks_its_worker_after_the_send_is_queried_first(
    node: SteeredRail, watch: Watch, three: list[int]
) -> None:
    node.meanwhile["send"] = lambda: 1 // 0
    run_batch(watch)
    assert snapshots(three) == [WAITING_SNAPSHOT, PAID_SNAPSHOT, PAID_SNAPSHOT]

    node.calls.clear()
    watch.advance(20)
    run_batch(watch)

    assert node.calls == ["find", "send"]
    assert snapshots(three) == [PAID_SNAPSHOT] * 3


def test_scheduled_disbursement_that_breaks_its_worker_is_reported(
    node: SteeredRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never becomes overdue: every twenty seconds the next worker claims it and fails."""
    [backlog] = [check for check in HEALTH_CHECKS if check.component == "backlog"]
    scheduled = ordered(scheduled_at=watch.after(60))
    watch.advance(60)
    with monkeypatch.context() as broken:
        broken.setattr(node, "check", lambda *_, **__: 1 // 0)
        run(watch)

    assert (row_of(scheduled).state, row_of(scheduled).failure_code) == ("scheduled", "worker-broke")
    report = backlog.run(watch())
    assert (report.status, report.facts["broke_a_worker"]) == (DEGRADED, 1)

    watch.advance(20)
    run(watch)
    assert (row_of(scheduled).state, row_of(scheduled).failure_code) == ("completed", "")
    assert backlog.run(watch()).status == OK
