"""A second choice: paid when the first was finally refused and nothing can still be paid by it. The same payout, once.

A send may leave for 20 s, and the provider may still accept it 10 s after that: 30 s after the last send of the first
choice the provider is asked once more, and only then is the second one prepared.
"""

from datetime import timedelta
from typing import Any

import pytest

from sunusav.core.auditing import AuditScope
from tests.factories.limits import set_limit_to
from tests.fakes.franc_rail import ScriptedFrancRail, phone
from tests.ledger.builders import stored_rate
from tests.transfers.builders import (
    BY,
    MAY_LEAVE_SECONDS,
    NET_SATS,
    NOW,
    Snapshot,
    attempts,
    ordered,
    row_of,
    run,
    settle,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, hash_of, invoice_for
from transfers.enums import FailureClass
from transfers.invariants import INVARIANTS
from transfers.models import DisbursementDestination
from transfers.services.disbursements import replace_destinations, retry_disbursement
from transfers.types import Choice, NotSeen, Refused, Succeeded, Unknown

pytestmark = pytest.mark.django_db

FINAL = Refused("incorrect-payment-details", FailureClass.FINAL)
NET_XOF = 7_920


@pytest.fixture(autouse=True)
def rate() -> None:
    """8,000,000 XOF for a bitcoin: the net of 99,000 sats is 7,920 F."""
    stored_rate("8000000", at=NOW)


def two_choices(name: str = "awa", **changes: Any) -> int:
    """Order a payment to an invoice, or else to a phone."""
    choices = (Choice(invoice_for(name, NET_SATS)), Choice(phone("+221770000001")))
    return ordered(name, choices=choices, **changes)


def refused(disbursement_id: int) -> list[tuple[int, str]]:
    """Return the destinations that were finally refused, with why."""
    rows = DisbursementDestination.objects.filter(disbursement_id=disbursement_id)
    return list(rows.exclude(refused_at=None).order_by("position").values_list("position", "refusal_code"))


def breaches(watch: Watch) -> list[Any]:
    scope = AuditScope(now=watch())
    return [found for one in INVARIANTS if not one.waiting for found in one.find(scope)]


def test_second_choice_is_paid_after_the_first_was_refused_and_can_leave_no_more(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = two_choices()
    node.script.append(FINAL)
    run(watch)
    assert (row_of(disbursement_id).state, refused(disbursement_id)) == (
        "processing", [(1, "incorrect-payment-details")],
    )  # fmt: skip

    watch.advance(MAY_LEAVE_SECONDS - 1)
    run(watch)
    assert francs.sends == 0

    watch.advance(1)
    run(watch)

    assert (node.paid, francs.paid) == ({}, {f"franc-{disbursement_id}": NET_XOF})
    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert breaches(watch) == []


def test_first_choice_that_is_paid_leaves_the_second_alone(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = two_choices()
    run(watch)
    assert (node.paid, francs.sends) == ({hash_of("awa", NET_SATS): NET_SATS * 1_000}, 0)
    assert snapshot(disbursement_id).state == "completed"


@pytest.mark.parametrize(
    "answer",
    [Unknown(seen=True, reason="in-flight"), Unknown(seen=False, reason="no-answer")],
    ids=["in flight", "no answer"],
)
def test_second_choice_is_never_used_while_the_first_is_unknown(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch, answer: Unknown
) -> None:
    two_choices()
    node.script.append(answer)
    node.finds.extend([answer] * 40)
    run(watch)
    for _ in range(40):
        watch.advance(300)
        run(watch)
    assert francs.sends == 0


@pytest.mark.parametrize("failure", [FailureClass.RETRY, FailureClass.HOLD, FailureClass.REVIEW])
def test_refusal_that_is_not_final_does_not_use_the_second_choice(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch, failure: FailureClass
) -> None:
    disbursement_id = two_choices()
    node.script.extend([Refused("no", failure)] * 12)
    run(watch)
    for _ in range(40):
        watch.advance(600)
        run(watch)
    assert (row_of(disbursement_id).state, francs.sends, refused(disbursement_id)) == ("needs_review", 0, [])


def test_first_choice_that_was_paid_late_is_booked_and_the_second_is_not_sent(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    """The provider had refused it, and a late send of the same order was paid all the same."""
    disbursement_id = two_choices()
    node.script.append(FINAL)
    run(watch)
    order = attempts(disbursement_id)[0].order
    node.refused.clear()
    node.paid[order.reference] = order.amount

    settle(watch)

    assert (snapshot(disbursement_id).state, francs.sends) == ("completed", 0)
    assert breaches(watch) == []


def test_first_choice_that_the_node_does_not_know_any_more_keeps_the_second_waiting(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = two_choices()
    node.script.append(FINAL)
    run(watch)
    node.finds.append(NotSeen(source="another node"))
    settle(watch)
    assert (row_of(disbursement_id).failure_code, francs.sends) == ("last-order-in-doubt", 0)


def test_first_choice_that_cannot_be_prepared_is_given_up_at_once(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    """Nothing was sent to it. Its invoice has expired when the payment falls due."""
    choices = (
        Choice(invoice_for("awa", NET_SATS, expires_at=NOW + timedelta(hours=1))),
        Choice(phone("+221770000001")),
    )
    disbursement_id = ordered(choices=choices)
    watch.advance(7_200)
    run(watch)
    assert refused(disbursement_id) == [(1, "invoice-expired")]
    assert (node.sends, francs.paid) == (0, {f"franc-{disbursement_id}": NET_XOF})
    assert breaches(watch) == []


def test_first_choice_that_expired_before_a_scheduled_payment_begins_leaves_the_second(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    expired = invoice_for("awa", NET_SATS, expires_at=NOW + timedelta(hours=1))
    choices = (Choice(expired), Choice(phone("+221770000001")))
    disbursement_id = ordered("awa", choices=choices, scheduled_at=NOW + timedelta(hours=2))
    watch.advance(7_200)
    stored_rate("8000000", at=watch())
    run(watch)
    watch.advance(60)
    run(watch)

    assert row_of(disbursement_id).state == "completed"
    assert (node.sends, francs.phones) == (0, ["+221770000001"])
    assert refused(disbursement_id) == [(1, "invoice-expired")]
    assert breaches(watch) == []


def test_payment_fails_when_both_choices_were_refused_and_a_retry_begins_with_the_first(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = two_choices()
    node.script.append(FINAL)
    francs.script.append(Refused("account-closed", FailureClass.FINAL))
    run(watch)
    settle(watch)
    assert (row_of(disbursement_id).state, row_of(disbursement_id).failure_code) == (
        "failed",
        "account-closed",
    )
    settle(watch)

    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="a new try", now=watch())
    assert refused(disbursement_id) == []
    run(watch)

    assert (len(node.paid), francs.paid) == (1, {})
    assert snapshot(disbursement_id).state == "completed"
    assert breaches(watch) == []


def test_cooling_off_holds_for_each_choice(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    """The second one became another payee's an hour ago: it waits 24 hours; the first one goes at once."""
    set_limit_to("replaced_destination", 1, now=NOW)
    second = Choice(phone("+221770000001"), NOW - timedelta(hours=1))
    disbursement_id = ordered(choices=(Choice(invoice_for("awa", NET_SATS)), second))
    node.script.append(FINAL)
    run(watch)
    settle(watch)
    row = row_of(disbursement_id)
    assert (row.failure_code, row.due_at) == ("destination-cooling-off", NOW + timedelta(hours=23))

    watch.advance(23 * 3_600)
    run(watch)
    assert francs.paid == {f"franc-{disbursement_id}": NET_XOF}


def test_second_choice_by_a_stopped_rail_waits_for_that_rail(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = two_choices()
    node.script.append(FINAL)
    run(watch)
    francs.is_unavailable = True
    settle(watch)
    assert row_of(disbursement_id).failure_code == "rail-unavailable"

    francs.is_unavailable = False
    watch.advance(15)
    run(watch)
    assert francs.paid == {f"franc-{disbursement_id}": NET_XOF}


def test_replacing_both_choices_begins_anew(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = two_choices()
    node.script.append(FINAL)
    run(watch)
    choices = [Choice(phone("+221770000002")), Choice(invoice_for("fatou", NET_SATS))]

    replace_destinations(disbursement_id=disbursement_id, choices=choices, actor=BY, now=watch())
    settle(watch)

    assert (refused(disbursement_id), francs.phones, node.paid) == ([], ["+221770000002"], {})


def test_lightning_after_francs_is_paid_in_sats(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    """The conversion stays with the payment, unused: the winner gets the whole net."""
    choices = (Choice(phone("+221770000001")), Choice(invoice_for("awa", NET_SATS)))
    disbursement_id = ordered(choices=choices)
    francs.script.append(Refused("account-closed", FailureClass.FINAL))
    run(watch)
    settle(watch)
    assert (francs.paid, list(node.paid.values())) == ({}, [NET_SATS * 1_000])
    assert row_of(disbursement_id).pay_xof == NET_XOF
    assert breaches(watch) == []


def test_proof_of_the_first_choice_does_not_prove_the_second(
    node: SteeredRail, francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = two_choices()
    node.script.append(FINAL)
    run(watch)
    order = francs.prepare  # the second order has its own reference
    francs.script.append(Succeeded("receipt-of-another", node.sendable().total, node.sendable().total))
    settle(watch)
    assert order is not None
    assert row_of(disbursement_id).failure_code == "answer-contradicts-records"
