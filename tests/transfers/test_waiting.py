"""What the engine does while an outcome is unknown or a payment cannot go yet: it waits, queries, concludes nothing."""

from datetime import timedelta

import pytest

from sunusav.core.health import DEGRADED
from sunusav.core.models import Switch
from sunusav.core.switches import pause_outgoing
from tests.transfers.builders import (
    BY,
    IN_FLIGHT,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    PREPARED,
    UNTOUCHED,
    Snapshot,
    attempts,
    ordered,
    replace_destination,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from transfers.enums import FailureClass
from transfers.health import HEALTH_CHECKS
from transfers.services.disbursements import retry_disbursement
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db


# Unknown


def test_run_unknown_is_queried_within_a_second_then_less_often_and_never_failed(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)

    waits = []
    for _ in range(15):
        due_at = row_of(disbursement_id).due_at
        assert due_at is not None
        waits.append((due_at - watch()).total_seconds())
        node.finds.append(Unknown(seen=True, reason="in-flight"))
        watch.advance(waits[-1])
        assert run(watch) == 1

    assert waits == [1, 2, 4, 8, 15, 15, 15, 15, 15, 30, 60, 120, 240, 300, 300]
    assert snapshot(disbursement_id) == IN_FLIGHT
    assert (node.sends, attempts(disbursement_id)[0].asked_at) == (1, watch())


def test_run_unknown_for_six_hours_is_still_held_and_then_paid(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    for _ in range(12):
        node.finds.append(Unknown(seen=True, reason="in-flight"))
        watch.advance(1_800)
        run(watch)
    assert snapshot(disbursement_id) == IN_FLIGHT

    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    watch.advance(300)
    run(watch)

    assert (snapshot(disbursement_id), node.sends) == (PAID, 1)


@pytest.mark.parametrize("seen", [True, False])
def test_run_unknown_for_over_an_hour_is_reported_whether_it_was_seen_or_not(
    node: SteeredRail, watch: Watch, seen: bool
) -> None:
    [backlog] = [check for check in HEALTH_CHECKS if check.component == "backlog"]
    ordered()
    node.script.append(Unknown(seen=seen, reason="no-answer"))
    run(watch)
    assert backlog.run(watch.after(3_600)).facts["open_over_an_hour"] == 0

    report = backlog.run(watch.after(3_601))

    assert (report.status, report.facts["open_over_an_hour"]) == (DEGRADED, 1)


def test_run_unknown_and_not_seen_stays_prepared(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=False, reason="connection-lost", evidence={"code": "UNAVAILABLE"}))

    run(watch)

    (attempt,) = attempts(disbursement_id)
    assert snapshot(disbursement_id) == PREPARED
    assert (attempt.outcome, attempt.evidence) == ("connection-lost", {"code": "UNAVAILABLE"})
    assert (attempt.seen_at, attempt.asked_at) == (None, NOW)


def test_run_unknown_is_paid_when_found_paid(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=False, reason="connection-lost"))
    run(watch)
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    watch.advance(15)
    run(watch)

    assert (snapshot(disbursement_id), node.sends) == (PAID, 1)


def test_run_unknown_is_failed_only_when_found_refused(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="no-answer"))
    run(watch)
    node.finds.append(Refused("incorrect-payment-details", FailureClass.FINAL))

    watch.advance(15)
    run(watch)

    assert snapshot(disbursement_id) == Snapshot("failed", ["failed"], 0, PAYOUT_MSAT)


# The rail is unavailable


def test_run_with_the_rail_unavailable_at_prepare_waits_15_seconds_without_a_retry(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    with node.unavailable("prepare"):
        for _ in range(9):
            run(watch)
            row = row_of(disbursement_id)
            assert (row.due_at, row.retries, row.claimed_by) == (watch.after(15), 0, "")
            watch.advance(15)
        assert snapshot(disbursement_id) == UNTOUCHED

    run(watch)

    assert snapshot(disbursement_id) == PAID


def test_run_with_the_rail_unavailable_at_send_keeps_the_hold_and_sends_the_same_order_later(
    node: SteeredRail, watch: Watch
) -> None:
    disbursement_id = ordered()
    with node.unavailable("send"):
        run(watch)
    assert snapshot(disbursement_id) == PREPARED
    assert row_of(disbursement_id).due_at == watch.after(15)

    watch.advance(15)
    run(watch)

    assert snapshot(disbursement_id) == PAID
    assert node.calls == ["prepare", "send", "find", "send"]
    assert attempts(disbursement_id)[0].sends == 1, "the first one certainly did not leave"


def test_run_with_the_rail_unavailable_at_find_concludes_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    with node.unavailable("find"):
        for _ in range(10):
            watch.advance(60)
            run(watch)
            assert row_of(disbursement_id).due_at == watch.after(15)
        assert snapshot(disbursement_id) == IN_FLIGHT
    node.paid[hash_of("awa", NET_SATS)] = NET_MSAT

    watch.advance(15)
    run(watch)

    assert (snapshot(disbursement_id), node.sends) == (PAID, 1)


# What cannot be paid as it stands


def test_run_refused_at_prepare_fails_with_the_refusals_name(node: SteeredRail, watch: Watch) -> None:
    expires_at = NOW + timedelta(seconds=5)
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=expires_at))

    watch.advance(10)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code, row.due_at) == ("failed", "invoice-expired", None)
    assert (snapshot(disbursement_id), node.sends) == (Snapshot("failed", [], 0, PAYOUT_MSAT), 0)


def test_run_with_an_invoice_that_another_was_paid_by_meanwhile_fails(
    node: SteeredRail, watch: Watch
) -> None:
    """Both were ordered with one invoice; the second finds its hash used when it opens its attempt."""
    first, second = ordered(), ordered("binta", destination=invoice_for("awa", NET_SATS))

    run(watch)

    assert (row_of(first).state, row_of(second).state) == ("completed", "failed")
    assert row_of(second).failure_code == "payment-reference-used"
    assert attempts(second) == []
    assert node.paid == {hash_of("awa", NET_SATS): NET_MSAT}


# Another invoice


def test_run_with_another_invoice_waits_until_no_worker_can_send_the_last_one(
    node: SteeredRail, watch: Watch
) -> None:
    """A send may leave for 20 s, and the provider may still accept it 10 s later."""
    disbursement_id = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    new = invoice_for("new", NET_SATS)
    replace_destination(disbursement_id=disbursement_id, destination=new, actor=BY, now=watch())
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="new invoice", now=watch())

    node.calls.clear()
    run(watch)
    assert row_of(disbursement_id).due_at == NOW + timedelta(seconds=30)
    watch.advance(29.999)
    assert run(watch) == 0
    assert node.calls == []
    watch.advance(0.001)
    run(watch)

    assert node.calls == ["find", "prepare", "send"]
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("new", NET_SATS): NET_MSAT}


# Paused on the way


def test_run_paused_while_preparing_opens_but_sends_nothing(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = lambda: pause_outgoing(actor=BY, reason="for this test", now=NOW)

    run(watch)

    assert (snapshot(disbursement_id), node.sends) == (PREPARED, 0)
    for _ in range(3):
        watch.advance(60)
        run(watch)
    assert (snapshot(disbursement_id), node.sends) == (PREPARED, 0)


def test_run_resumed_sends_the_order_that_was_opened(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = lambda: pause_outgoing(actor=BY, reason="for this test", now=NOW)
    run(watch)
    Switch.objects.filter(name="outgoing").update(is_open=True)

    watch.advance(60)
    run(watch)

    assert (snapshot(disbursement_id), node.calls) == (PAID, ["prepare", "find", "send"])


def test_run_with_one_that_breaks_the_worker_pays_the_others(
    node: SteeredRail, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours in one payment is logged; the next claim resumes it, the others go on."""
    broken, sound = ordered("awa"), ordered("binta")
    node.meanwhile["prepare"] = lambda: 1 // 0

    run(watch)

    assert (row_of(broken).state, row_of(sound).state) == ("processing", "completed")
    assert "ZeroDivisionError" in caplog.text
    watch.advance(20)
    run(watch)
    assert row_of(broken).state == "completed"
