"""Before claiming: what a rail cannot send now is deferred, all at once, without counting a retry."""

import threading

import pytest
from pytest_django import DjangoAssertNumQueries

from sunusav.core.actors import Actor
from sunusav.core.health import DEGRADED
from sunusav.core.models import TrailEntry
from sunusav.core.switches import pause_outgoing
from tests.fakes.franc_rail import ScriptedFrancRail, phone
from tests.ledger.builders import stored_rate
from tests.transfers.builders import (
    NET_SATS,
    NOW,
    PAID,
    UNTOUCHED,
    claimed,
    ordered,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.engine import gates
from transfers.engine.gates import defer_unsendable
from transfers.health import HEALTH_CHECKS
from transfers.types import Unknown

pytestmark = pytest.mark.django_db

NET_MSAT = NET_SATS * 1_000


def test_run_of_two_due_payments_claims_the_one_that_fits(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 2 * NET_MSAT - 1
    first, second = ordered("first"), ordered("second")

    run(watch)

    assert row_of(first).state == "completed"
    row = row_of(second)
    assert (row.state, row.failure_code, row.due_at) == ("processing", "liquidity-short", watch.after(60))
    assert (row.retries, row.claim_version, row.attempts.count()) == (0, 0, 0)
    line = TrailEntry.objects.get(subject=f"disbursement:{second}", action="hold_back")
    assert (line.reason, line.facts) == ("", {"code": "liquidity-short", "rail": "lightning"})

    node.balance_msat = NET_MSAT
    watch.advance(60)
    run(watch)

    assert row_of(second).state == "completed"
    assert row_of(second).failure_code == ""


def test_run_pays_a_smaller_later_payment_where_the_first_exceeds_the_balance(
    node: SteeredRail, watch: Watch
) -> None:
    node.balance_msat = NET_MSAT
    big = ordered("big", payout_sats=200_000, destination=invoice_for("big", 198_000))
    small = ordered("small")

    run(watch)

    assert (row_of(big).failure_code, row_of(small).state) == ("liquidity-short", "completed")


def test_waiting_on_for_liquidity_is_no_news_for_the_trail(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    disbursement_id = ordered()

    for _ in range(3):
        run(watch)
        watch.advance(60)

    assert row_of(disbursement_id).retries == 0
    held = TrailEntry.objects.filter(subject=f"disbursement:{disbursement_id}", action="hold_back")
    assert held.count() == 1


def test_health_reports_payments_that_wait_for_liquidity(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    ordered()
    run(watch)

    report = next(check for check in HEALTH_CHECKS if check.component == "rails").run(NOW)

    assert (report.status, report.facts["liquidity_short"]) == (DEGRADED, 1)


def test_run_claims_nothing_new_for_an_unavailable_rail(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.is_unavailable = True

    assert run(watch) == 0

    assert snapshot(disbursement_id) == UNTOUCHED
    row = row_of(disbursement_id)
    assert (row.failure_code, row.due_at, row.claim_version) == ("rail-unavailable", watch.after(15), 0)

    node.is_unavailable = False
    watch.advance(15)
    run(watch)
    assert snapshot(disbursement_id) == PAID


def test_open_attempt_is_queried_while_the_rail_is_short(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    node.balance_msat = 0
    watch.advance(15)
    node.calls.clear()

    run(watch)

    assert node.calls == ["find"]
    assert row_of(disbursement_id).attempts.count() == 1


def test_gate_does_not_defer_a_claimed_payment(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    disbursement_id = ordered()
    claim = claimed(disbursement_id, watch)

    with unchanged():
        defer_unsendable(now=watch.at, limit=10)

    assert row_of(disbursement_id).claim_version == claim.version


def test_scheduled_payment_has_its_fee_fixed_on_its_day_while_the_rail_is_short(
    node: SteeredRail, watch: Watch
) -> None:
    node.balance_msat = 0
    disbursement_id = ordered(scheduled_at=watch.after(60))
    watch.advance(60)

    defer_unsendable(now=watch.at, limit=10)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == ("scheduled", "")


def test_gate_defers_nothing_while_outgoing_money_is_paused(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    ordered()
    pause_outgoing(actor=Actor.system("tests"), reason="looking", now=NOW)

    with unchanged():
        defer_unsendable(now=watch.at, limit=10)


def test_gate_reads_no_more_than_its_limit(node: SteeredRail, watch: Watch) -> None:
    node.balance_msat = 0
    first, second = ordered("first"), ordered("second", at=watch.after(1))
    watch.advance(1)

    defer_unsendable(now=watch.at, limit=1)

    assert [row_of(pk).failure_code for pk in (first, second)] == ["liquidity-short", ""]


def test_gate_reads_no_payment_while_the_balance_covers_all(
    node: SteeredRail, watch: Watch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    node.balance_msat = 2 * NET_MSAT
    for name in ("first", "second"):
        ordered(name)

    # The stopped rails, and what is wanted of each.
    with unchanged(), django_assert_num_queries(2):
        defer_unsendable(now=watch.at, limit=10)


def test_rail_that_does_not_answer_holds_up_no_payment_of_another(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_rate("8000000", at=NOW)
    monkeypatch.setattr(gates, "ASK_SECONDS", 0.2)
    answers = threading.Event()
    monkeypatch.setattr(francs, "sendable", lambda: answers.wait(30))
    hung, sent = ordered("hung", destination=phone("+221771234567")), ordered("sent")
    try:
        run(watch)
    finally:
        answers.set()

    assert row_of(sent).state == "completed"
    row = row_of(hung)
    assert (row.state, row.failure_code, row.due_at) == ("processing", "rail-unavailable", watch.after(15))
    assert (row.retries, row.attempts.count()) == (0, 0)
