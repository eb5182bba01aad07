"""What people do with a disbursement: expedite, redirect, retry, cancel; and when that is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from fees.models import FeeAssessment
from lightning.errors import InvoiceAmountDiffers, InvoiceExpired
from sunusav.core.models import TrailEntry
from sunusav.core.switches import OutgoingPaused, pause_outgoing
from tests.support.opened import opened, value_of
from tests.transfers.builders import (
    BY,
    FEE_MSAT,
    NET_MSAT,
    NET_SATS,
    NOW,
    PAID,
    PAYOUT_MSAT,
    Snapshot,
    claimed,
    destination_row,
    ordered,
    other_invoice,
    replace_destination,
    request_for,
    row_of,
    run,
    settle,
    snapshot,
    work,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.enums import FailureClass
from transfers.errors import (
    DisbursementMissing,
    DisbursementNotCancellable,
    DisbursementNotRetryable,
    PaymentReferenceUsed,
)
from transfers.services.disbursements import (
    cancel_disbursement,
    expedite_disbursement,
    request_disbursement,
    retry_disbursement,
)
from transfers.types import Refused, Unknown

pytestmark = pytest.mark.django_db

TOMORROW = NOW + timedelta(days=1)
MAY_STILL_BE_PAID = "an attempt may still be paid; its outcome must be known first"


def expedite(disbursement_id: int) -> None:
    expedite_disbursement(disbursement_id=disbursement_id, actor=BY, now=NOW)


def redirect(disbursement_id: int) -> None:
    replace_destination(disbursement_id=disbursement_id, destination=other_invoice("new"), actor=BY, now=NOW)


def retry(disbursement_id: int) -> None:
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="winner called", now=NOW)


def cancel(disbursement_id: int) -> None:
    cancel_disbursement(disbursement_id=disbursement_id, actor=BY, reason="winner called", now=NOW)


@pytest.fixture
def failed(node: SteeredRail, watch: Watch) -> int:
    """A disbursement whose order the provider finally refused."""
    disbursement_id = ordered()
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    return disbursement_id


@pytest.fixture
def in_flight(node: SteeredRail, watch: Watch) -> int:
    """A disbursement that may be paid at any moment."""
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="in-flight"))
    run(watch)
    return disbursement_id


@pytest.fixture
def contradicted(node: SteeredRail, watch: Watch) -> int:
    """A disbursement under review whose attempt is open."""
    disbursement_id = ordered()
    node.script.append(Unknown(seen=True, reason="preimage-does-not-fit", suspect=True))
    run(watch)
    return disbursement_id


@pytest.fixture
def paid(node: SteeredRail, watch: Watch) -> int:
    disbursement_id = ordered()
    run(watch)
    return disbursement_id


@pytest.fixture
def cancelled() -> int:
    disbursement_id = ordered()
    cancel(disbursement_id)
    return disbursement_id


# Expedite


def test_expedite_a_scheduled_one_fixes_its_fee_now() -> None:
    disbursement_id = ordered(scheduled_at=TOMORROW)

    expedite(disbursement_id)

    row = row_of(disbursement_id)
    assert (row.state, row.due_at, row.fee_msat, row.net_msat) == ("processing", NOW, FEE_MSAT, NET_MSAT)


def test_expedite_one_under_way_changes_nothing() -> None:
    disbursement_id = ordered()
    with unchanged():
        expedite(disbursement_id)


def test_expedite_while_paused_is_refused() -> None:
    disbursement_id = ordered(scheduled_at=TOMORROW)
    pause_outgoing(actor=BY, reason="node looks wrong", now=NOW)
    with unchanged(), pytest.raises(OutgoingPaused):
        expedite(disbursement_id)


def test_expedite_with_an_invoice_for_another_amount_is_refused_and_stays_scheduled() -> None:
    disbursement_id = ordered(scheduled_at=TOMORROW, destination=invoice_for("awa", NET_SATS + 1))
    with unchanged(), pytest.raises(InvoiceAmountDiffers):
        expedite(disbursement_id)


# Redirect


def test_replace_destination_of_one_that_waits_is_paid_there(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()

    redirect(disbursement_id)
    run(watch)

    assert opened(destination_row(disbursement_id).destination) == other_invoice("new")
    assert node.paid == {hash_of("new", NET_SATS): NET_SATS * 1_000}
    assert snapshot(disbursement_id) == PAID


def test_replace_destination_takes_the_claim_of_a_worker(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    held = claimed(disbursement_id, watch)

    redirect(disbursement_id)
    with unchanged():
        work(held, clock=watch)

    assert node.paid == {}


def test_replace_destination_of_a_failed_one_waits_for_the_retry(failed: int) -> None:
    redirect(failed)

    assert (row_of(failed).state, value_of(destination_row(failed))) == ("failed", other_invoice("new").value)


@pytest.mark.parametrize("open_one", ["in_flight", "contradicted"])
def test_replace_destination_while_an_attempt_is_open_is_refused(
    open_one: str, request: pytest.FixtureRequest
) -> None:
    disbursement_id = request.getfixturevalue(open_one)
    with unchanged(), pytest.raises(DisbursementNotRetryable) as error:
        redirect(disbursement_id)
    assert error.value.facts["why"] == MAY_STILL_BE_PAID


@pytest.mark.parametrize(("closed", "state"), [("paid", "completed"), ("cancelled", "cancelled")])
def test_replace_destination_of_a_closed_one_is_refused(
    closed: str, state: str, request: pytest.FixtureRequest
) -> None:
    disbursement_id = request.getfixturevalue(closed)
    with unchanged(), pytest.raises(DisbursementNotRetryable) as error:
        redirect(disbursement_id)
    assert error.value.facts == {"disbursement_id": disbursement_id, "state": state, "why": "it is closed"}


# Retry


def test_retry_a_failed_one_pays_the_same_disbursement_with_the_same_fee(
    failed: int, node: SteeredRail, watch: Watch
) -> None:
    before = row_of(failed)

    retry(failed)
    run(watch)
    assert snapshot(failed) == Snapshot("processing", ["failed"], 0, PAYOUT_MSAT), "it may still leave"
    settle(watch)

    row = row_of(failed)
    assert (row.assessment_id, row.fee_msat, row.net_msat) == (before.assessment_id, FEE_MSAT, NET_MSAT)
    assert FeeAssessment.objects.count() == 1
    assert snapshot(failed) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert node.paid == {hash_of("awa", NET_SATS): NET_SATS * 1_000}
    assert (row.failure_code, row.failure_facts) == ("", {})


def test_retry_records_who_and_why(failed: int) -> None:
    retry(failed)

    line = TrailEntry.objects.filter(subject=f"disbursement:{failed}").latest("id")
    assert (line.action, line.from_state, line.to_state) == ("retry", "failed", "processing")
    assert (line.actor_label, line.reason) == ("system:tests", "winner called")


def test_retry_one_that_failed_before_its_fee_was_fixed_prices_it(watch: Watch) -> None:
    disbursement_id = ordered(scheduled_at=TOMORROW, destination=invoice_for("awa", NET_SATS + 1))
    watch.advance(86_400)
    run(watch)
    assert (row_of(disbursement_id).state, row_of(disbursement_id).net_msat) == ("failed", None)

    redirect(disbursement_id)
    retry(disbursement_id)

    row = row_of(disbursement_id)
    assert (row.state, row.fee_msat, row.net_msat) == ("processing", FEE_MSAT, NET_MSAT)


def test_retry_resets_the_number_of_retries(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    for _ in range(4):
        node.script.append(Refused("no-route", FailureClass.RETRY))
        run(watch)
        watch.advance(300)
    assert row_of(disbursement_id).state == "needs_review"

    retry(disbursement_id)

    assert (row_of(disbursement_id).state, row_of(disbursement_id).retries) == ("processing", 0)


def test_retry_while_paused_is_refused(failed: int) -> None:
    pause_outgoing(actor=BY, reason="node looks wrong", now=NOW)
    with unchanged(), pytest.raises(OutgoingPaused):
        retry(failed)


def test_retry_under_review_with_an_open_attempt_is_refused(contradicted: int) -> None:
    with unchanged(), pytest.raises(DisbursementNotRetryable) as error:
        retry(contradicted)
    assert error.value.facts == {
        "disbursement_id": contradicted,
        "state": "needs_review",
        "why": MAY_STILL_BE_PAID,
    }


@pytest.mark.parametrize(
    ("other", "state"), [("paid", "completed"), ("in_flight", "processing"), ("cancelled", "cancelled")]
)
def test_retry_what_has_not_failed_is_refused(other: str, state: str, request: pytest.FixtureRequest) -> None:
    disbursement_id = request.getfixturevalue(other)
    with unchanged(), pytest.raises(DisbursementNotRetryable) as error:
        retry(disbursement_id)
    assert error.value.facts == {
        "disbursement_id": disbursement_id,
        "state": state,
        "why": "it has not failed",
    }


def test_retry_with_an_invoice_that_has_expired_is_refused(node: SteeredRail, watch: Watch) -> None:
    expires_at = NOW + timedelta(hours=1)
    disbursement_id = ordered(destination=invoice_for("awa", NET_SATS, expires_at=expires_at))
    node.script.append(Refused("incorrect-payment-details", FailureClass.FINAL))
    run(watch)
    with unchanged(), pytest.raises(InvoiceExpired):
        retry_disbursement(
            disbursement_id=disbursement_id, actor=BY, reason="late", now=expires_at + timedelta(seconds=1)
        )


def test_retry_with_an_invoice_of_another_disbursement_is_refused(failed: int, watch: Watch) -> None:
    other = ordered("other")
    run(watch)
    replace_destination(disbursement_id=failed, destination=invoice_for("other", NET_SATS), actor=BY, now=NOW)
    with unchanged(), pytest.raises(PaymentReferenceUsed) as error:
        retry(failed)
    assert error.value.facts == {"reference": hash_of("other", NET_SATS), "disbursement_id": other}


# Cancel


def test_cancel_a_scheduled_one_frees_its_subject() -> None:
    disbursement_id = ordered(scheduled_at=TOMORROW)

    cancel(disbursement_id)

    row = row_of(disbursement_id)
    assert (row.state, row.due_at, row.live_subject) == ("cancelled", None, None)
    request_disbursement(request=request_for(destination=other_invoice("new")), actor=BY, now=NOW)


def test_cancel_a_claimed_one_fences_the_worker(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    held = claimed(disbursement_id, watch)

    cancel(disbursement_id)
    with unchanged():
        work(held, clock=watch)

    assert node.paid == {}
    assert snapshot(disbursement_id) == Snapshot("cancelled", [], PAYOUT_MSAT, 0)


def test_cancel_while_the_worker_prepares_fences_the_worker(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered()
    node.meanwhile["prepare"] = lambda: cancel(disbursement_id)

    run(watch)

    assert node.calls == ["prepare"]
    assert snapshot(disbursement_id) == Snapshot("cancelled", [], PAYOUT_MSAT, 0)


def test_cancel_a_failed_one_keeps_the_pot_whole(failed: int, watch: Watch) -> None:
    settle(watch)

    cancel(failed)

    assert snapshot(failed) == Snapshot("cancelled", ["failed"], PAYOUT_MSAT, 0)


@pytest.mark.parametrize(
    ("open_one", "state"), [("in_flight", "processing"), ("contradicted", "needs_review")]
)
def test_cancel_while_an_attempt_is_open_is_refused(
    open_one: str, state: str, request: pytest.FixtureRequest
) -> None:
    disbursement_id = request.getfixturevalue(open_one)
    with unchanged(), pytest.raises(DisbursementNotCancellable) as error:
        cancel(disbursement_id)
    assert error.value.facts == {"disbursement_id": disbursement_id, "state": state, "why": MAY_STILL_BE_PAID}


@pytest.mark.parametrize(("closed", "state"), [("paid", "completed"), ("cancelled", "cancelled")])
def test_cancel_a_closed_one_is_refused(closed: str, state: str, request: pytest.FixtureRequest) -> None:
    disbursement_id = request.getfixturevalue(closed)
    with unchanged(), pytest.raises(DisbursementNotCancellable) as error:
        cancel(disbursement_id)
    assert error.value.facts == {"disbursement_id": disbursement_id, "state": state, "why": "it is closed"}


@pytest.mark.parametrize("verb", [expedite, redirect, retry, cancel])
def test_every_verb_on_a_missing_one_is_refused(verb: Callable[[int], Any]) -> None:
    with unchanged(), pytest.raises(DisbursementMissing) as error:
        verb(4_711)
    assert error.value.facts == {"disbursement_id": 4_711}
