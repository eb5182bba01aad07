"""The Orange rail against its simulator. 99,500 sats at 8,000,000 XOF per bitcoin are 7,960 francs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.enums import Currency
from ledger.types import xof
from partners.errors import (
    AmountOutsidePartnerRange,
    PhoneNotOfPartner,
    RecipientNameDiffers,
    RecipientUnknown,
)
from sandbox.simulator.script import Step
from tests.partners.harness import PaidOut
from tests.partners.orange.calls import AMOUNT_XOF, deadline, instruction, phone_of, prepared
from tests.partners.orange.harness import OrangeHarness, forget_what_the_process_knows
from transfers.enums import FailureClass
from transfers.errors import RailCredentialsRefused, RailShort, RailUnavailable
from transfers.types import NotSeen, ProviderPayment, Refused, Sendable, Succeeded, TooLate, Unknown

OTHER_ACCOUNT = "787654321"


def paid_once(orange: OrangeHarness, reference: str) -> list[PaidOut]:
    return [PaidOut(reference, orange.phone, AMOUNT_XOF)]


def succeeded(outcome: object) -> Succeeded:
    assert isinstance(outcome, Succeeded)
    return outcome


# Check and prepare


def test_rail_is_a_rail_in_francs_whose_account_is_our_float(orange: OrangeHarness) -> None:
    rail = orange.rail()

    assert (rail.account.code, rail.cost_account.code) == (
        "partner_float:XOF:orange",
        "partner_charges:XOF:orange",
    )
    assert (rail.late_by, rail.search_window) == (timedelta(seconds=360), timedelta(hours=24))
    assert rail.check(instruction(), now=datetime.now(UTC)) == ""
    assert rail.payee_of(phone_of("+221 77 123 45 67")) == "phone:+221771234567"


def test_check_of_a_phone_of_another_country_is_refused(orange: OrangeHarness) -> None:
    with pytest.raises(PhoneNotOfPartner):
        orange.rail().check(instruction(phone=orange.foreign_phone), now=datetime.now(UTC))


def test_prepare_pays_nothing_and_makes_a_new_reference_each_time(orange: OrangeHarness) -> None:
    now = datetime.now(UTC)
    order, other = (orange.rail().prepare(instruction(), now=now) for _ in range(2))

    assert order == replace(other, reference=order.reference)
    assert order.reference != other.reference
    assert (order.payload, order.payee, order.source) == (orange.phone, f"phone:{orange.phone}", "781234567")
    assert (order.amount, order.cost_limit) == (xof(7_960), xof(260))
    assert (order.expires_at - now, order.give_up_after - now) == (
        timedelta(hours=1),
        timedelta(seconds=3_960),
    )
    assert orange.paid() == []
    assert orange.control.calls("cash_in") == 0


@pytest.mark.parametrize(
    ("state", "reason"), [("unknown", "no-account"), ("suspended", "suspended"), ("barred", "barred")]
)
def test_prepare_for_an_account_that_cannot_receive_is_refused(
    orange: OrangeHarness, state: str, reason: str
) -> None:
    orange.control.call("set_state", phone=orange.phone, state=state)

    with pytest.raises(RecipientUnknown) as refusal:
        prepared(orange)

    assert refusal.value.facts == {"rail": "orange", "phone": "+22177•••••67", "reason": reason}


def test_prepare_without_the_approval_to_ask_for_accounts_says_what_is_missing(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API of accounts is approved on its own: payments may be allowed all the same."""
    orange.control.set(not_approved=["account"])
    with pytest.raises(RailUnavailable, match="the account of a phone: status 403, code 11") as refusal:
        prepared(orange)
    assert not isinstance(refusal.value, RailCredentialsRefused)

    monkeypatch.setenv("ORANGE_RECIPIENT_CHECK", "off")
    assert prepared(orange).payload == orange.phone


def test_prepare_of_more_than_the_float_is_short(orange: OrangeHarness) -> None:
    with pytest.raises(RailShort) as short:
        prepared(orange, 990_000)

    assert (short.value.needed, short.value.available, short.value.currency) == (
        1_009_900,
        1_000_000,
        Currency.XOF,
    )


@pytest.mark.parametrize(("amount", "is_allowed"), [(99, False), (100, True), (1_000, True), (1_001, False)])
def test_prepare_within_the_amounts_of_the_contract(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch, amount: int, is_allowed: bool
) -> None:
    monkeypatch.setenv("ORANGE_LEAST_PAYOUT_XOF", "100")
    monkeypatch.setenv("ORANGE_MOST_PAYOUT_XOF", "1000")
    assert orange.rail().sendable() == Sendable(total=xof(1_000_000), largest=xof(1_000))
    if is_allowed:
        assert prepared(orange, amount).amount == xof(amount)
        return
    with pytest.raises(AmountOutsidePartnerRange) as refusal:
        prepared(orange, amount)
    assert refusal.value.facts == {
        "partner": "orange",
        "amount_xof": amount,
        "least_xof": 100,
        "most_xof": 1_000,
    }


@pytest.mark.parametrize(
    ("check", "name", "is_refused"),
    [
        ("off", "Fatou Sow", False),
        ("refuse", "Fatou Sow", True),
        ("refuse", "DIOP Awâ", False),
        ("refuse", "", False),
    ],
)
def test_prepare_compares_names_loosely_where_it_is_asked_to(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch, check: str, name: str, is_refused: bool
) -> None:
    monkeypatch.setenv("ORANGE_NAME_CHECK", check)
    if not is_refused:
        assert prepared(orange, recipient_name=name).payload == orange.phone
        return
    with pytest.raises(RecipientNameDiffers) as refusal:
        prepared(orange, recipient_name=name)
    assert refusal.value.facts == {"rail": "orange", "phone": "+22177•••••67"}


# Send


def test_send_pays_once_and_reads_back_what_was_paid(orange: OrangeHarness) -> None:
    order = prepared(orange)

    paid = succeeded(orange.rail().send(order, deadline=deadline()))

    assert (paid.amount, paid.cost) == (xof(7_960), None)
    assert orange.rail().verify(order.reference, paid.proof)
    assert paid.started_at is not None
    [evidence] = paid.evidence["transactions"]
    assert evidence["transaction_id"] == paid.proof
    assert (evidence["paid_amount"], evidence["phone"], evidence["type"]) == (
        "7960.0",
        "+22177•••••67",
        "CASHIN",
    )
    assert orange.paid() == paid_once(orange, order.reference)
    assert orange.balance_xof() == 992_040
    assert orange.rail().find(order) == paid
    assert orange.rail().balance() == xof(992_040)


def test_send_after_its_deadline_sends_nothing(orange: OrangeHarness) -> None:
    order = prepared(orange)

    assert isinstance(orange.rail().send(order, deadline=deadline(-1)), TooLate)
    assert orange.control.calls("cash_in") == 0
    assert orange.rail().find(order) == NotSeen(
        "781234567", is_resendable=False, evidence={"searched_from": _searched_from(order.expires_at)}
    )


def _searched_from(expires_at: datetime) -> str:
    return (expires_at - timedelta(hours=1, seconds=120)).isoformat()


def test_send_from_another_account_is_refused(orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    order = prepared(orange)
    monkeypatch.setenv("ORANGE_MSISDN", OTHER_ACCOUNT)

    with pytest.raises(RailUnavailable, match="another account"):
        orange.rail().send(order, deadline=deadline())
    assert orange.control.calls("cash_in") == 0


@pytest.mark.parametrize(
    ("script", "is_paid"),
    [
        ("lost-after-accept", True), ("timeout-after-accept", True), ("error-after-accept", True), ("reset", True),
        ("html", True), ("lost-before", False), ("timeout-before", False), ("error-before", False),
        ("html-before", False), ("too-many-requests", False),
    ],
)  # fmt: skip
def test_send_without_a_usable_answer_is_unknown_and_is_searched_for(
    orange: OrangeHarness, script: str, is_paid: bool
) -> None:
    order = prepared(orange)
    orange.script_payout(script)

    outcome = orange.rail().send(order, deadline=deadline())

    assert isinstance(outcome, Unknown)
    assert (outcome.seen, outcome.suspect) == (False, False)
    assert orange.control.calls("cash_in") == 1
    found = orange.rail().find(order)
    if is_paid:
        assert succeeded(found).amount == xof(7_960)
        assert orange.paid() == paid_once(orange, order.reference)
    else:
        assert isinstance(found, NotSeen)
        assert not found.is_resendable
        assert orange.paid() == []


def test_payment_that_the_search_hides_for_a_while_is_not_seen_and_then_found(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.script_payout("hidden")

    assert isinstance(orange.rail().send(order, deadline=deadline()), Unknown)
    assert isinstance(orange.rail().find(order), NotSeen)
    orange.control.set(ahead_seconds=31)
    assert succeeded(orange.rail().find(order)).amount == xof(7_960)


def test_send_that_is_answered_and_hidden_is_believed(orange: OrangeHarness) -> None:
    """The answer has the transaction's id; the statement is matched later."""
    order = prepared(orange)
    orange.script_payout(Step(hidden_seconds=30))

    paid = succeeded(orange.rail().send(order, deadline=deadline()))

    assert (paid.amount, paid.cost, paid.started_at) == (xof(7_960), None, None)


@pytest.mark.parametrize("is_paid", [True, False])
@pytest.mark.parametrize("code", ["", "51"])
def test_pending_payment_ends_either_way(orange: OrangeHarness, code: str, is_paid: bool) -> None:
    """Error 51 with status 500 says that the request is pending."""
    order = prepared(orange)
    orange.script_payout(Step(outcome="accept", code=code))

    outcome = orange.rail().send(order, deadline=deadline())
    assert isinstance(outcome, Unknown)
    assert (outcome.reason, outcome.seen, outcome.suspect) == ("pending", not code, False)
    listed = orange.rail().find(order)
    assert isinstance(listed, Unknown)
    assert (listed.reason, listed.seen) == ("pending", True)

    orange.complete(order.reference, is_paid=is_paid)
    found = orange.rail().find(order)
    if is_paid:
        assert succeeded(found).amount == xof(7_960)
    else:
        assert isinstance(found, Refused)
        assert (found.reason, found.failure) == ("transaction-failed", FailureClass.REVIEW)


@pytest.mark.parametrize(
    "step",
    [Step(amount=1), Step(currency="EUR"), Step(amount=1, reply="lost"), Step(currency="EUR", reply="lost")],
)
def test_payment_of_another_amount_or_currency_is_suspect(orange: OrangeHarness, step: Step) -> None:
    order = prepared(orange)
    orange.script_payout(step)

    sent = orange.rail().send(order, deadline=deadline())
    found = orange.rail().find(order)

    assert isinstance(found, Unknown)
    assert (found.reason, found.suspect) == ("another-payment", True)
    assert isinstance(sent, Unknown)
    assert sent.suspect == (step.reply == "sent")


@pytest.mark.parametrize("reply", ["sent", "lost"])
def test_two_payments_of_one_reference_are_suspect_with_both_as_evidence(
    orange: OrangeHarness, reply: str
) -> None:
    order = prepared(orange)
    orange.script_payout(Step(times=2, reply=reply))

    sent = orange.rail().send(order, deadline=deadline())
    found = orange.rail().find(order)

    assert isinstance(found, Unknown)
    assert (found.reason, found.suspect, found.seen) == ("paid-twice", True, True)
    assert len({row["transaction_id"] for row in found.evidence["transactions"]}) == 2
    assert (sent == found) == (reply == "sent")


@pytest.mark.parametrize("lists_refused", [True, False])
@pytest.mark.parametrize(
    ("kind", "reason", "failure"),
    [("recipient", "recipient-full", FailureClass.FINAL), ("float", "float-short", FailureClass.HOLD)],
)
def test_send_that_is_refused_paid_nothing(
    orange: OrangeHarness, kind: str, reason: str, failure: FailureClass, lists_refused: bool
) -> None:
    orange.control.set(lists_refused=lists_refused)
    order = prepared(orange)
    orange.refuse_next(kind)

    refused = orange.rail().send(order, deadline=deadline())

    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == (reason, failure)
    found = orange.rail().find(order)
    if lists_refused:
        assert isinstance(found, Refused)
        assert (found.reason, found.failure) == (reason, failure)
    else:
        assert isinstance(found, NotSeen)
    assert orange.paid() == []


# What is not reached


def test_rail_that_is_closed_is_unavailable(orange: OrangeHarness) -> None:
    order = prepared(orange)
    orange.control.set(is_closed=True)
    forget_what_the_process_knows()
    rail = orange.rail()

    with pytest.raises(RailUnavailable):
        rail.find(order)
    with pytest.raises(RailUnavailable):
        rail.send(order, deadline=deadline())
    with pytest.raises(RailUnavailable):
        rail.sendable()
    with pytest.raises(RailUnavailable):
        list(rail.statement())
    assert orange.control.calls("cash_in") == 0


@pytest.mark.parametrize(
    "script", ["lost-before", "html", "error-after-accept", "too-many-requests", "reset"]
)
def test_find_without_a_usable_answer_is_unavailable(orange: OrangeHarness, script: str) -> None:
    order = prepared(orange)
    orange.script_find(script)

    with pytest.raises(RailUnavailable):
        orange.rail().find(order)


def test_send_with_a_token_that_lives_too_long_sends_nothing(
    orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that is frozen with it could still pay when the engine has stopped waiting for that."""
    orange.control.set(token_seconds=3_600)
    order = prepared(orange)
    with pytest.raises(RailUnavailable, match="ORANGE_TOKEN_LIFE_SECONDS is 299"):
        orange.rail().send(order, deadline=deadline())
    assert orange.control.calls("cash_in") == 0

    monkeypatch.setenv("ORANGE_TOKEN_LIFE_SECONDS", "3600")
    assert orange.rail().late_by == timedelta(seconds=3_661)
    assert succeeded(orange.rail().send(order, deadline=deadline())).amount == xof(7_960)


# Statement


def test_statement_lists_every_cash_in_once_and_nothing_else(orange: OrangeHarness) -> None:
    orders = [prepared(orange, 100 + number) for number in range(3)]
    for order in orders[:2]:
        orange.rail().send(order, deadline=deadline())
    orange.script_payout("pending")
    orange.rail().send(orders[2], deadline=deadline())
    orange.control.call("book_again", reference=orders[0].reference)

    lines = list(orange.rail().statement())

    expected = [
        ProviderPayment(order.reference, is_paid=not is_open, is_open=is_open, amount=order.amount, cost=None)
        for order, is_open in [(orders[0], False), (orders[2], True), (orders[1], False), (orders[0], False)]
    ]
    assert lines == expected


def test_our_account_is_shown_masked(orange: OrangeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORANGE_MSISDN", "781234567")
    assert orange.rail().account_shown == "+22178•••••67"
    monkeypatch.delenv("ORANGE_MSISDN")
    assert orange.rail().account_shown == ""


def test_order_whose_phone_was_erased_is_not_sent(orange: OrangeHarness) -> None:
    order = prepared(orange)

    with pytest.raises(RailUnavailable, match="erased"):
        orange.rail().send(replace(order, payload=""), deadline=deadline())
    assert orange.control.calls("cash_in") == 0
