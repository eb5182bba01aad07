"""The MTN rail against the simulated MTN."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache

from ledger.types import xof
from partners.errors import PhoneNotOfPartner, RecipientNameDiffers, RecipientUnknown
from partners.mtn.rail import MtnRail
from sandbox.simulator.script import Outcome, Reply, Step
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.partners.harness import PaidOut
from tests.partners.mtn.harness import MtnHarness
from transfers.enums import FailureClass
from transfers.errors import RailCredentialsRefused, RailShort, RailUnavailable
from transfers.types import (
    Destination,
    Instruction,
    NotSeen,
    Order,
    Refused,
    Succeeded,
    TooLate,
    Unknown,
)

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
AMOUNT = xof(983)


def instruction(phone: str = MtnHarness.phone, **changes: object) -> Instruction:
    given = {
        "disbursement_id": 7,
        "amount": AMOUNT,
        "destination": Destination("mtn", "phone", phone),
        **changes,
    }
    return Instruction(**given)  # type: ignore[arg-type]


def soon() -> Deadline:
    return Deadline.after(timedelta(seconds=20), at=datetime.now(UTC), read_at_ns=boottime_ns())


@pytest.fixture
def rail(mtn: MtnHarness) -> MtnRail:
    return mtn.rail()


@pytest.fixture
def order(rail: MtnRail) -> Order:
    return rail.prepare(instruction(), now=NOW)


def sent(rail: MtnRail, order: Order) -> object:
    return rail.send(order, deadline=soon())


# Preparing


def test_prepare_makes_an_order_with_a_reference_of_its_own(rail: MtnRail, order: Order) -> None:
    again = rail.prepare(instruction(), now=NOW)

    assert order.reference != again.reference
    assert (order.rail, order.amount, order.payee, order.cost_limit) == (
        "mtn", AMOUNT, "phone:+2250707000001", xof(120),
    )  # fmt: skip
    assert order.source.endswith(":mtnivorycoast")
    assert (order.expires_at, order.give_up_after) == (
        NOW + timedelta(hours=24), NOW + timedelta(hours=24, minutes=5),
    )  # fmt: skip
    assert json.loads(order.payload) == {
        "amount": "983", "currency": "XOF", "externalId": order.reference, "payerMessage": "SunuSav 7",
        "payee": {"partyIdType": "MSISDN", "partyId": "2250707000001"}, "payeeNote": "SunuSav 7",
    }  # fmt: skip


@pytest.mark.parametrize("is_text", [False, True])
def test_prepare_refuses_a_phone_without_a_wallet(mtn: MtnHarness, rail: MtnRail, is_text: bool) -> None:
    mtn.control.set(is_active_text=is_text)

    with pytest.raises(RecipientUnknown) as refused:
        rail.prepare(instruction(mtn.unknown_phone), now=NOW)
    assert refused.value.facts == {"rail": "mtn", "phone": "+225070•••••04", "reason": "not-active"}
    assert rail.prepare(instruction(), now=NOW).amount == AMOUNT


def test_prepare_refuses_a_phone_of_another_country(rail: MtnRail) -> None:
    with pytest.raises(PhoneNotOfPartner):
        rail.prepare(instruction(MtnHarness.foreign_phone), now=NOW)


@pytest.mark.parametrize("code", ["PAYEE_NOT_FOUND", "RESOURCE_NOT_FOUND"])
def test_prepare_refuses_a_phone_that_mtn_does_not_know(mtn: MtnHarness, rail: MtnRail, code: str) -> None:
    mtn.control.script("active", Step(outcome=Outcome.REFUSE, code=code))

    with pytest.raises(RecipientUnknown):
        rail.prepare(instruction(), now=NOW)


def test_prepare_needs_the_amount_and_the_most_that_sending_may_cost(mtn: MtnHarness, rail: MtnRail) -> None:
    with pytest.raises(RailShort) as short:
        rail.prepare(instruction(amount=xof(1_000_000)), now=NOW)

    assert short.value.facts == {
        "rail": "mtn", "needed": 1_020_100, "available": 1_000_000, "currency": "XOF",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("check", "name", "is_refused"),
    [
        ("refuse", "Awa Kouassi", False),
        ("refuse", "KOUASSI Awa Marie", False),
        ("refuse", "Fatou Diop", True),
        ("refuse", "", False),
        ("off", "Fatou Diop", False),
    ],
)
def test_prepare_compares_the_name_where_that_is_set(
    mtn: MtnHarness,
    rail: MtnRail,
    monkeypatch: pytest.MonkeyPatch,
    *,
    check: str,
    name: str,
    is_refused: bool,
) -> None:
    mtn.control.call("open_demo_phones")
    monkeypatch.setenv("MTN_NAME_CHECK", check)
    given = instruction(recipient_name=name)

    if is_refused:
        with pytest.raises(RecipientNameDiffers):
            rail.prepare(given, now=NOW)
    else:
        assert rail.prepare(given, now=NOW).amount == AMOUNT


@pytest.mark.parametrize(
    "variable", ["MTN_API_USER", "MTN_API_KEY", "MTN_SUBSCRIPTION_KEY", "MTN_TARGET_ENVIRONMENT"]
)
def test_missing_variable_makes_the_rail_unavailable_and_is_named(
    rail: MtnRail, order: Order, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv(variable)

    with pytest.raises(RailUnavailable, match=variable):
        sent(rail, order)


# Sending and finding


def test_accepted_payment_is_paid_by_its_status(mtn: MtnHarness, rail: MtnRail, order: Order) -> None:
    accepted = sent(rail, order)

    assert accepted == Unknown(seen=True, reason="accepted", evidence={"http_status": 202, "code": ""})
    found = rail.find(order)
    assert isinstance(found, Succeeded)
    assert (found.proof, found.amount, found.cost) == ("363440463", AMOUNT, None)
    assert rail.verify(order.reference, found.proof)
    assert mtn.paid() == [PaidOut(order.reference, mtn.phone, 983)]
    assert rail.balance() == xof(1_000_000 - 983)


def test_same_order_is_paid_once_however_often_it_is_sent(
    mtn: MtnHarness, rail: MtnRail, order: Order
) -> None:
    sent(rail, order)
    again = sent(rail, order)

    assert again == Unknown(
        seen=True, reason="reference-taken", evidence={"http_status": 409, "code": "RESOURCE_ALREADY_EXIST"}
    )
    assert isinstance(rail.find(order), Succeeded)
    assert len(mtn.paid()) == 1


@pytest.mark.parametrize(
    ("script", "reason", "payments"),
    [
        ("lost-after-accept", "no-answer", 1),
        ("lost-before", "no-answer", 0),
        ("error-after-accept", "no-answer", 1),
        ("error-before", "no-answer", 0),
        ("reset", "no-answer", 1),
        ("html", "no-answer", 1),
        ("html-before", "no-answer", 0),
        ("too-many-requests", "no-answer", 0),
    ],
)
def test_unclear_answer_is_unknown_and_the_same_order_settles_it(
    mtn: MtnHarness, rail: MtnRail, order: Order, *, script: str, reason: str, payments: int
) -> None:
    mtn.script_payout(script)

    first = sent(rail, order)

    assert isinstance(first, Unknown)
    assert (first.seen, first.reason, first.suspect) == (False, reason, False)
    assert len(mtn.paid()) == payments
    if not payments:
        assert rail.find(order) == NotSeen(
            source=order.source,
            evidence={"error": "MtnRefused", "detail": "status 404 RESOURCE_NOT_FOUND"},
        )
    assert isinstance(sent(rail, order), Unknown)
    assert isinstance(rail.find(order), Succeeded)
    assert len(mtn.paid()) == 1


@pytest.mark.parametrize("script", ["timeout-after-accept", "timeout-before"])
def test_answer_that_does_not_come_is_unknown(
    mtn: MtnHarness, rail: MtnRail, order: Order, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setenv("MTN_TIMEOUT_SECONDS", "1")
    mtn.script_payout(script)

    assert isinstance(sent(rail, order), Unknown)


def test_payment_that_is_not_shown_at_once_is_not_seen_and_then_found(
    mtn: MtnHarness, rail: MtnRail, order: Order
) -> None:
    mtn.control.set_clock(NOW)
    mtn.script_payout("hidden")
    sent(rail, order)

    assert isinstance(rail.find(order), NotSeen)
    again = sent(rail, order)
    assert isinstance(again, Unknown)
    assert again.reason == "reference-taken"

    mtn.control.set(ahead_seconds=30)
    assert isinstance(rail.find(order), Succeeded)
    assert len(mtn.paid()) == 1


@pytest.mark.parametrize("is_paid", [True, False])
def test_pending_payment_ends_either_way(mtn: MtnHarness, rail: MtnRail, order: Order, is_paid: bool) -> None:
    mtn.script_payout("pending")
    sent(rail, order)
    pending = rail.find(order)
    assert isinstance(pending, Unknown)
    assert (pending.seen, pending.reason) == (True, "pending")

    mtn.complete(order.reference, is_paid=is_paid)

    found = rail.find(order)
    assert isinstance(found, Succeeded) == is_paid
    if isinstance(found, Refused):
        assert (found.reason, found.failure) == ("payee-not-allowed-to-receive", FailureClass.FINAL)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Step(amount=1), "another-amount"),
        (Step(currency="EUR"), "another-currency"),
        (Step(amount=1, reply=Reply.LOST), "another-amount"),
    ],
)
def test_payment_that_is_not_the_ordered_one_needs_a_person(
    mtn: MtnHarness, rail: MtnRail, order: Order, step: Step, reason: str
) -> None:
    mtn.script_payout(step)
    sent(rail, order)
    sent(rail, order)  # 409: the reference is taken

    found = rail.find(order)

    assert isinstance(found, Unknown)
    assert (found.suspect, found.reason) == (True, reason)


def test_payment_to_another_phone_needs_a_person(mtn: MtnHarness, rail: MtnRail, order: Order) -> None:
    sent(rail, replace(order, payload=order.payload.replace("2250707000001", "2250707000002")))

    found = rail.find(order)

    assert isinstance(found, Unknown)
    assert (found.suspect, found.reason) == (True, "another-phone")


# Refusals


@pytest.mark.parametrize("is_text", [False, True])
@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("NOT_ENOUGH_FUNDS", FailureClass.HOLD),
        ("PAYEE_NOT_FOUND", FailureClass.FINAL),
        ("BRAND_NEW", FailureClass.REVIEW),
    ],
)
def test_failed_payment_is_refused_by_its_reason(
    mtn: MtnHarness, rail: MtnRail, order: Order, *, code: str, failure: FailureClass, is_text: bool
) -> None:
    mtn.control.set(is_reason_text=is_text)
    mtn.script_payout(Step(outcome=Outcome.REFUSE, code=code))
    sent(rail, order)

    found = rail.find(order)

    assert isinstance(found, Refused)
    assert (found.reason, found.failure) == (code.lower().replace("_", "-"), failure)
    assert mtn.paid() == []


@pytest.mark.parametrize("code", ["INTERNAL_PROCESSING_ERROR", "COULD_NOT_PERFORM_TRANSACTION"])
def test_failure_that_may_be_short_funds_is_judged_by_the_balance(
    mtn: MtnHarness, rail: MtnRail, order: Order, code: str
) -> None:
    mtn.script_payout(Step(outcome=Outcome.REFUSE, code=code))
    sent(rail, order)

    enough = rail.find(order)
    mtn.control.call("top_up", amount=-999_000)
    short = rail.find(order)

    assert isinstance(enough, Refused)
    assert isinstance(short, Refused)
    assert (enough.failure, short.failure) == (FailureClass.RENEW, FailureClass.HOLD)
    assert short.evidence["available"] == 1_000


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("NOT_ALLOWED", FailureClass.REVIEW),
        ("FORBIDDEN IP", FailureClass.STOP),
        ("INVALID_CURRENCY", FailureClass.STOP),
        ("NOT_ENOUGH_FUNDS", FailureClass.HOLD),
        ("PAYEE_NOT_FOUND", FailureClass.FINAL),
    ],
)
def test_refused_call_creates_nothing(
    mtn: MtnHarness, rail: MtnRail, order: Order, code: str, failure: FailureClass
) -> None:
    mtn.script_payout(Step(outcome=Outcome.REFUSE, code=f"call:{code}"))

    refused = sent(rail, order)

    assert isinstance(refused, Refused)
    assert (refused.failure, refused.is_recorded) == (failure, False)
    assert isinstance(rail.find(order), NotSeen)


def test_wrong_subscription_key_stops_the_rail(mtn: MtnHarness, rail: MtnRail, order: Order) -> None:
    mtn.refuse_next("credentials")

    refused = sent(rail, order)

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == ("invalid-subscription-key", FailureClass.STOP)
    assert mtn.paid() == []


@pytest.mark.parametrize("act", ["prepare", "send", "find", "balance"])
def test_revoked_key_is_reported_as_refused_credentials(
    mtn: MtnHarness, rail: MtnRail, order: Order, act: str
) -> None:
    mtn.control.set(is_revoked=True, ahead_seconds=3_601)
    acts: dict[str, Callable[[], object]] = {
        "prepare": lambda: rail.prepare(instruction(), now=NOW), "send": lambda: sent(rail, order),
        "find": lambda: rail.find(order), "balance": rail.balance,
    }  # fmt: skip

    with pytest.raises(RailCredentialsRefused):
        acts[act]()
    assert mtn.control.calls("transfer") == (1 if act == "send" else 0)
    assert mtn.paid() == []


# The latest moment, and tokens


def test_send_after_its_deadline_makes_no_call(mtn: MtnHarness, rail: MtnRail, order: Order) -> None:
    late = Deadline(datetime.now(UTC), boottime_ns())

    assert rail.send(order, deadline=late) == TooLate()
    assert mtn.control.calls("transfer") == 0


def test_ended_token_is_renewed_and_the_payment_sent_once_more(
    mtn: MtnHarness, rail: MtnRail, order: Order
) -> None:
    mtn.control.set(ahead_seconds=3_601)

    assert isinstance(sent(rail, order), Unknown)

    assert mtn.control.calls("transfer") == 2
    assert len(mtn.paid()) == 1


def test_refused_token_is_not_renewed_past_the_deadline(
    mtn: MtnHarness, rail: MtnRail, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call leaves in time; its 401 comes back after the deadline, as to a sender that was frozen."""
    mtn.control.set(ahead_seconds=3_601)
    tokens = mtn.control.calls("token")
    mtn.script_payout(Step(delay_after_seconds=1.5))
    deadline = Deadline.after(timedelta(seconds=1), at=datetime.now(UTC), read_at_ns=boottime_ns())

    outcome = rail.send(order, deadline=deadline)

    assert isinstance(outcome, TooLate)
    assert (mtn.control.calls("transfer"), mtn.control.calls("token")) == (1, tokens)
    assert mtn.paid() == []


def test_token_that_cannot_be_fetched_means_that_nothing_was_sent(
    mtn: MtnHarness, rail: MtnRail, order: Order
) -> None:
    cache.clear()
    mtn.control.script("token", "html", times=-1)

    with pytest.raises(RailUnavailable, match="no token"):
        sent(rail, order)
    assert mtn.control.calls("transfer") == 0


def test_order_of_another_platform_is_neither_sent_nor_queried(
    mtn: MtnHarness, rail: MtnRail, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTN_TARGET_ENVIRONMENT", "mtnbenin")

    for act in (lambda: sent(rail, order), lambda: rail.find(order)):
        with pytest.raises(RailUnavailable, match="the order belongs to"):
            act()
    assert mtn.control.calls("transfer") == mtn.control.calls("transfer_status") == 0


@pytest.mark.parametrize(
    "script", ["error-before", "html", "too-many-requests", "lost-before", "unauthorized"]
)
def test_unusable_answer_to_a_query_makes_the_rail_unavailable(
    mtn: MtnHarness, rail: MtnRail, order: Order, script: str
) -> None:
    sent(rail, order)
    mtn.script_find(script, times=2)

    with pytest.raises(RailUnavailable):
        rail.find(order)


def test_404_of_a_gateway_says_nothing_about_a_payment(mtn: MtnHarness, rail: MtnRail, order: Order) -> None:
    mtn.script_find(Step(outcome=Outcome.NOTHING, reply=Reply.STATUS, status=404))

    with pytest.raises(RailUnavailable):
        rail.find(order)


# What the wallet holds


def test_balance_and_what_can_be_sent(
    mtn: MtnHarness, rail: MtnRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    mtn.control.set(is_balance_number=True)

    assert rail.balance() == xof(1_000_000)
    assert (rail.sendable().largest, rail.sendable().unusable) == (xof(1_000_000), ())

    monkeypatch.setenv("MTN_COLLECTION_WALLET", "separate")
    assert rail.balance() == xof(2_000_000)  # the simulator has one wallet for both
    assert rail.sendable().total == xof(1_000_000)
    assert [one.amount for one in rail.sendable().unusable] == [xof(1_000_000)]


def test_balance_in_another_currency_is_no_answer(mtn: MtnHarness, rail: MtnRail) -> None:
    mtn.control.set(currency="EUR")

    with pytest.raises(RailUnavailable, match="another currency"):
        rail.balance()


def test_mtn_lists_no_payments(rail: MtnRail) -> None:
    with pytest.raises(RailUnavailable, match="lists no payments"):
        list(rail.statement())


# What is kept and shown


def test_nothing_personal_or_secret_is_in_evidence_or_errors(
    mtn: MtnHarness, rail: MtnRail, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    shown = [repr(sent(rail, order)), repr(rail.find(order)), caplog.text]
    mtn.script_find("html", times=1)
    with pytest.raises(RailUnavailable) as unavailable:
        rail.find(order)
    shown.append(repr(unavailable.value.facts))

    for secret in ("0707000001", "mtn-demo-api-key", "mtn-disbursement-key", "Kouassi"):
        assert not [text for text in shown if secret in text]


def test_our_account_is_shown_by_its_country(mtn: MtnHarness) -> None:
    assert mtn.rail().account_shown == "mtnivorycoast"
