"""The Wave rail against the simulated Wave: what it pays, and what it makes of every answer. Amounts: whole francs.

12,299 sats at 8,000,000 XOF per bitcoin are 983 francs; the simulator charges one percent, rounded down.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.types import Money, xof
from partners.errors import PhoneNotOfPartner, PhoneUnreadable, RecipientNameDiffers, RecipientUnknown
from partners.wave.config import WaveConfig
from partners.wave.outcomes import FAILURES
from partners.wave.rail import WaveRail
from sandbox.simulator.script import Outcome, Step
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.partners.harness import PaidOut
from tests.partners.wave.harness import WaveHarness
from transfers.enums import FailureClass
from transfers.errors import (
    DestinationKindUnsupported,
    RailCredentialsRefused,
    RailShort,
    RailUnavailable,
)
from transfers.types import (
    Destination,
    Instruction,
    NotSeen,
    Order,
    ProviderPayment,
    Refused,
    Reversed,
    Sendable,
    Succeeded,
    TooLate,
    Unknown,
)

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PHONE, OTHER_PHONE = WaveHarness.phone, WaveHarness.other_phone
AMOUNT, FEE = xof(983), xof(9)
MASKED = "+22177•••••67"


@pytest.fixture
def rail(wave: WaveHarness) -> WaveRail:
    return wave.rail()


def instruction(value: str = PHONE, amount: Money = AMOUNT, **changes: Any) -> Instruction:
    return Instruction(7, amount, Destination("wave", "phone", value), **changes)


def prepared(rail: WaveRail, **changes: Any) -> Order:
    return rail.prepare(instruction(**changes), now=NOW)


def deadline() -> Deadline:
    return Deadline.after(timedelta(seconds=20), at=NOW + timedelta(seconds=20), read_at_ns=boottime_ns())


def send(rail: WaveRail, order: Order) -> Any:
    return rail.send(order, deadline=deadline())


# Checking and preparing


def test_check_and_payee_read_a_phone_in_one_form(rail: WaveRail) -> None:
    assert rail.check(instruction("+221 77 123 45 67"), now=NOW) == ""
    assert rail.payee_of(Destination("wave", "phone", "+221 77 123 45 67")) == f"phone:{PHONE}"


@pytest.mark.parametrize(
    ("value", "refusal"), [("771234567", PhoneUnreadable), ("+2250707070707", PhoneNotOfPartner)]
)
def test_phone_that_cannot_be_paid_is_refused_without_a_call(
    wave: WaveHarness, rail: WaveRail, value: str, refusal: type[Exception]
) -> None:
    for refused in (lambda: rail.check(instruction(value), now=NOW), lambda: prepared(rail, value=value)):
        with pytest.raises(refusal):
            refused()
    assert wave.control.calls("verify") == 0


def test_other_kind_of_destination_is_refused(rail: WaveRail) -> None:
    with pytest.raises(DestinationKindUnsupported):
        rail.payee_of(Destination("wave", "bolt11", "lnbc1"))


def test_prepare_returns_a_complete_order_and_pays_nothing(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail, value="+221 77 123 45 67")

    expires_at = NOW + timedelta(hours=24)
    # 100 francs and 2 % of 983, up.
    assert order == Order(
        rail="wave", reference=order.reference, payload=order.payload, amount=AMOUNT, cost_limit=xof(120),
        payee=f"phone:{PHONE}", source=WaveConfig.from_environment().payouts.source, expires_at=expires_at,
        give_up_after=expires_at + timedelta(minutes=5), is_renewable=True,
    )  # fmt: skip
    assert json.loads(order.payload) == {
        "currency": "XOF", "receive_amount": "983", "mobile": PHONE, "payment_reason": "Paiement SunuSav 7",
        "client_reference": order.reference,
    }  # fmt: skip
    assert wave.payouts() == []
    assert wave.control.calls("payout") == 0


def test_prepare_again_takes_another_reference(rail: WaveRail) -> None:
    assert prepared(rail).reference != prepared(rail).reference


def test_prepare_of_more_than_the_wallet_holds_is_short(rail: WaveRail) -> None:
    with pytest.raises(RailShort) as short:
        prepared(rail, amount=xof(990_000))

    # 990,000 with 100 francs and 2 %.
    assert short.value.facts == {
        "rail": "wave", "needed": 1_009_900, "available": 1_000_000, "currency": "XOF",
    }  # fmt: skip


def test_prepare_with_a_wallet_in_debt_is_short(wave: WaveHarness, rail: WaveRail) -> None:
    wave.control.call("top_up", amount=-1_000_010)

    with pytest.raises(RailShort) as short:
        prepared(rail)
    assert short.value.facts["available"] == -10
    assert rail.balance() == xof(-10)
    assert rail.sendable() == Sendable(xof(0), xof(0))


def test_recipient_above_their_limit_is_refused_masked(wave: WaveHarness, rail: WaveRail) -> None:
    wave.control.set(recipient_limit=982)

    with pytest.raises(RecipientUnknown) as refusal:
        prepared(rail)
    assert refusal.value.facts == {"rail": "wave", "phone": MASKED, "reason": "recipient-limit-exceeded"}


def test_recipient_of_another_name_is_refused(rail: WaveRail) -> None:
    assert prepared(rail, recipient_name="Awa N'Diaye").amount == AMOUNT
    with pytest.raises(RecipientNameDiffers) as refusal:
        prepared(rail, recipient_name="Cheikh Tidiane Sy")
    assert refusal.value.facts == {"rail": "wave", "phone": MASKED}


def test_name_that_wave_does_not_know_is_no_obstacle(rail: WaveRail) -> None:
    assert prepared(rail, value="+221775550000", recipient_name="Cheikh Tidiane Sy").amount == AMOUNT


def test_names_are_not_sent_when_they_are_not_to_be_compared(
    rail: WaveRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAVE_NAME_CHECK", "off")

    assert prepared(rail, recipient_name="Cheikh Tidiane Sy").amount == AMOUNT


def test_too_many_comparisons_of_names_are_no_obstacle(wave: WaveHarness, rail: WaveRail) -> None:
    for _ in range(31):
        assert prepared(rail, recipient_name="Awa Ndiaye").amount == AMOUNT
    assert prepared(rail, recipient_name="Cheikh Tidiane Sy").amount == AMOUNT
    assert wave.control.calls("verify") == 32


@pytest.mark.parametrize("name", ["verify", "balance"])
@pytest.mark.parametrize("step", ["timeout-before", "error-before", "html-before", "reset"])
def test_prepare_without_an_answer_is_unavailable(
    wave: WaveHarness, rail: WaveRail, name: str, step: str
) -> None:
    wave.control.script(name, step)

    with pytest.raises(RailUnavailable):
        prepared(rail)


# Sending


def test_send_pays_once_with_the_fee_that_wave_states(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)

    paid = send(rail, order)

    [row] = wave.payouts()
    assert paid == Succeeded(row["payout_id"], AMOUNT, FEE, evidence=paid.evidence)
    assert paid.evidence == {
        "id": row["payout_id"], "status": "succeeded", "currency": "XOF", "receive_amount": "983", "fee": "9",
        "timestamp": f"{row['at'][:19]}Z", "phone": MASKED,
    }  # fmt: skip
    assert rail.verify(order.reference, paid.proof)
    assert (row["key"], row["reference"]) == (order.reference, order.reference)
    assert wave.paid() == [PaidOut(order.reference, PHONE, 983)]
    assert wave.balance_xof() == 1_000_000 - 983 - 9
    assert rail.find(order) == paid


def test_send_again_answers_the_same_payout_and_pays_no_second_time(
    wave: WaveHarness, rail: WaveRail
) -> None:
    order = prepared(rail)

    assert send(rail, order) == send(rail, order)
    assert len(wave.paid()) == 1


def test_send_after_its_deadline_sends_nothing(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)

    assert rail.send(order, deadline=Deadline(NOW, boottime_ns() - 1)) == TooLate()
    assert wave.control.calls("payout") == 0


def test_fee_that_wave_does_not_state_is_not_computed(wave: WaveHarness, rail: WaveRail) -> None:
    wave.control.set(states_fee=False)

    assert send(rail, prepared(rail)).cost is None


@pytest.mark.parametrize(
    "step",
    ["timeout-after-accept", "lost-after-accept", "error-after-accept", "reset", "html", "too-many-requests"],
)
def test_answer_that_is_lost_is_unknown_and_found_later(wave: WaveHarness, rail: WaveRail, step: str) -> None:
    order = prepared(rail)
    wave.script_payout(step)

    sent = send(rail, order)

    assert isinstance(sent, Unknown)
    assert (sent.seen, sent.suspect) == (False, False)
    found = rail.find(order)
    is_paid = step != "too-many-requests"
    assert isinstance(found, Succeeded if is_paid else NotSeen)
    assert len(wave.paid()) == is_paid


@pytest.mark.parametrize("step", ["timeout-before", "lost-before", "error-before", "html-before"])
def test_call_that_was_never_taken_is_not_seen_and_can_be_sent_again(
    wave: WaveHarness, rail: WaveRail, step: str
) -> None:
    order = prepared(rail)
    wave.script_payout(step)

    assert isinstance(send(rail, order), Unknown)
    assert rail.find(order) == NotSeen(source=order.source)
    assert isinstance(send(rail, order), Succeeded)
    assert len(wave.paid()) == 1


def test_payout_that_the_search_hides_is_not_paid_again(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)
    wave.script_payout("hidden")

    assert isinstance(send(rail, order), Unknown)
    assert rail.find(order) == NotSeen(source=order.source)
    assert isinstance(send(rail, order), Succeeded)
    assert len(wave.paid()) == 1


@pytest.mark.parametrize("is_paid", [True, False])
def test_payout_under_way_is_unknown_until_it_ends(wave: WaveHarness, rail: WaveRail, is_paid: bool) -> None:
    order = prepared(rail)
    wave.script_payout("pending")

    sent, found = send(rail, order), rail.find(order)
    wave.complete(order.reference, is_paid=is_paid)

    assert sent == found
    assert isinstance(sent, Unknown)
    assert (sent.seen, sent.reason, sent.suspect) == (True, "processing", False)
    ended = rail.find(order)
    if is_paid:
        assert isinstance(ended, Succeeded)
    else:
        assert isinstance(ended, Refused)
        assert (ended.reason, ended.failure) == ("recipient-account-inactive", FailureClass.FINAL)
        assert ended.verdict.startswith("pt-")
    assert len(wave.paid()) == is_paid


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("recipient", "recipient-account-blocked"),
        ("float", "insufficient-funds"),
        ("credentials", "api-key-revoked"),
    ],
)
@pytest.mark.parametrize("shape", ["code", "error", "error_code"])
def test_call_that_is_refused_leaves_no_record(
    wave: WaveHarness, rail: WaveRail, kind: str, code: str, shape: str
) -> None:
    order = prepared(rail)
    wave.control.set(error_shape=shape)
    wave.refuse_next(kind)

    refused = send(rail, order)

    status = 401 if kind == "credentials" else 422
    assert refused == Refused(code, FAILURES[code], {"http_status": status, "code": code}, is_recorded=False)
    assert rail.find(order) == NotSeen(source=order.source)
    assert wave.paid() == []


def test_refusal_inside_a_payout_is_recorded(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)
    wave.control.set(error_shape="payout")
    wave.refuse_next("recipient")

    refused = send(rail, order)

    [row] = wave.payouts()
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == ("recipient-account-blocked", FailureClass.FINAL)
    assert (refused.verdict, refused.is_recorded) == (row["payout_id"], True)
    assert rail.find(order) == refused


def test_blocked_recipient_is_refused_by_their_state(wave: WaveHarness, rail: WaveRail) -> None:
    refused = send(rail, prepared(rail, value=WaveHarness.unknown_phone))

    assert (refused.reason, refused.failure) == ("recipient-account-inactive", FailureClass.FINAL)


@pytest.mark.parametrize(
    ("step", "reason"), [("wrong-amount", "another-amount"), ("wrong-currency", "another-currency")]
)
def test_payout_that_is_not_the_ordered_one_needs_a_person(
    wave: WaveHarness, rail: WaveRail, step: str, reason: str
) -> None:
    order = prepared(rail)
    wave.script_payout(step)

    for outcome in (send(rail, order), rail.find(order)):
        assert isinstance(outcome, Unknown)
        assert (outcome.seen, outcome.suspect, outcome.reason) == (True, True, reason)


def test_payout_to_another_phone_needs_a_person(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)
    wave.control.call("plant", reference=order.reference, mobile=OTHER_PHONE, amount=983)

    found = rail.find(order)
    assert isinstance(found, Unknown)
    assert (found.suspect, found.reason) == (True, "another-phone")
    assert OTHER_PHONE not in repr(found)


def test_order_is_found_after_its_phone_was_erased(rail: WaveRail) -> None:
    order = prepared(rail)
    send(rail, order)

    assert isinstance(rail.find(replace(order, payload="")), Succeeded)


@pytest.mark.parametrize("payload", ["", "…", "[]", "{}"])
def test_order_whose_phone_was_erased_is_not_sent(wave: WaveHarness, rail: WaveRail, payload: str) -> None:
    order = prepared(rail)

    with pytest.raises(RailUnavailable) as refusal:
        send(rail, replace(order, payload=payload))
    assert refusal.value.facts["detail"] == "the order's phone was erased"
    assert wave.control.calls("payout") == 0


def test_key_that_was_used_for_another_body_needs_a_person(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)
    wave.control.call("plant", reference="other", mobile=PHONE, amount=1, key=order.reference)

    sent = send(rail, order)
    assert isinstance(sent, Unknown)
    assert (sent.seen, sent.suspect, sent.reason) == (True, True, "idempotency-mismatch")


def test_two_paid_payouts_of_one_reference_need_a_person(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)
    wave.script_payout("duplicate")
    send(rail, order)

    found = rail.find(order)
    assert isinstance(found, Unknown)
    assert (found.suspect, found.reason) == (True, "paid-twice")
    assert found.evidence == {"payouts": [row["payout_id"] for row in wave.payouts()]}


@pytest.mark.parametrize("other", ["failed", "processing", "reversed", "held"])
def test_paid_payout_counts_among_several(wave: WaveHarness, rail: WaveRail, other: str) -> None:
    order = prepared(rail)
    wave.control.call("plant", reference=order.reference, mobile=PHONE, amount=983, status=other)
    send(rail, order)

    assert isinstance(rail.find(order), Succeeded)


def test_status_that_is_not_documented_is_unknown(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)
    wave.control.call("plant", reference=order.reference, mobile=PHONE, amount=983, status="held")

    found = rail.find(order)
    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect, found.reason) == (True, False, "status-unknown")


def test_payout_that_was_given_back_is_reversed(wave: WaveHarness, rail: WaveRail) -> None:
    order = prepared(rail)
    paid = send(rail, order)
    before = datetime.now(UTC)
    wave.reverse(order.reference)

    found = rail.find(order)

    assert isinstance(found, Reversed)
    assert (found.reference, found.amount) == (paid.proof, AMOUNT)
    assert before <= found.at <= datetime.now(UTC)
    again = send(rail, order)
    assert isinstance(again, Unknown)
    assert (again.seen, again.reason) == (True, "reversed")
    assert wave.balance_xof() == 1_000_000


@pytest.mark.parametrize(
    "step", ["timeout-before", "lost-before", "error-before", "html-before", "too-many-requests", "reset"]
)
def test_search_without_a_usable_answer_is_unavailable(wave: WaveHarness, rail: WaveRail, step: str) -> None:
    order = prepared(rail)
    send(rail, order)
    wave.script_find(step)

    with pytest.raises(RailUnavailable):
        rail.find(order)


# Keys and wallets


@pytest.mark.parametrize("code", ["no-matching-api-key", "api-key-revoked"])
def test_refused_key_is_named_where_nothing_was_sent(wave: WaveHarness, rail: WaveRail, code: str) -> None:
    order = prepared(rail)
    is_revoked = code == "api-key-revoked"
    wave.control.set(**({"revoked_keys": ["wave_sn_prod_pays"]} if is_revoked else {"api_key": "another"}))

    for call in (lambda: prepared(rail), lambda: rail.find(order), rail.balance, rail.sendable):
        with pytest.raises(RailCredentialsRefused) as refusal:
            call()
        assert refusal.value.facts == {"rail": "wave", "detail": f"status 401 {code}"}
    refused = send(rail, order)
    assert (refused.reason, refused.failure, refused.is_recorded) == (code, FailureClass.STOP, False)
    assert wave.paid() == []


def test_missing_key_sends_nothing(
    wave: WaveHarness, rail: WaveRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = prepared(rail)
    monkeypatch.delenv("WAVE_API_KEY")

    for call in (lambda: prepared(rail), lambda: send(rail, order), lambda: rail.find(order)):
        with pytest.raises(RailUnavailable) as refusal:
            call()
        assert refusal.value.facts["detail"] == "NotConfigured: WAVE_API_KEY is not set"
    assert wave.control.calls("payout") == 0


def test_order_of_another_wallet_is_not_sent_and_not_confirmed(
    wave: WaveHarness, rail: WaveRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = prepared(rail)
    wave.control.set(api_key="wave_sn_prod_other")
    monkeypatch.setenv("WAVE_API_KEY", "wave_sn_prod_other")

    with pytest.raises(RailUnavailable):
        send(rail, order)
    assert wave.control.calls("payout") == 0
    found = rail.find(order)
    assert isinstance(found, NotSeen)
    assert found.source != order.source


def test_wallet_that_is_named_stays_the_same_with_another_key(
    wave: WaveHarness, rail: WaveRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAVE_WALLET", "sn-main")
    order = prepared(rail)
    wave.control.set(api_key="wave_sn_prod_other")
    monkeypatch.setenv("WAVE_API_KEY", "wave_sn_prod_other")

    assert order.source == "wave:sn-main"
    assert isinstance(send(rail, order), Succeeded)


def test_calls_are_signed_where_the_key_was_made_with_a_secret(
    wave: WaveHarness, rail: WaveRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave.control.set(signing_secret="wave_sn_AKS_secret")
    with pytest.raises(RailCredentialsRefused):
        rail.balance()

    monkeypatch.setenv("WAVE_SIGNING_SECRET", "wave_sn_AKS_secret")

    order = prepared(rail)
    assert isinstance(send(rail, order), Succeeded)
    assert isinstance(rail.find(order), Succeeded)


def test_wave_that_is_not_reached_was_sent_nothing(
    wave: WaveHarness, rail: WaveRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = prepared(rail)
    monkeypatch.setenv("WAVE_URL", "http://127.0.0.1:9")

    with pytest.raises(RailUnavailable):
        send(rail, order)


# The statement


def test_statement_lists_payouts_once_reversed_ones_as_such(
    wave: WaveHarness, rail: WaveRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave.control.set(page_size=2)
    wave.control.set_clock(NOW)
    first, given_back = prepared(rail), prepared(rail, amount=xof(1_200))
    send(rail, first)
    send(rail, given_back)
    wave.control.set_clock(NOW + timedelta(days=1))
    wave.reverse(given_back.reference)
    wave.control.set_clock(NOW + timedelta(days=2))
    last = [prepared(rail, amount=xof(amount)) for amount in (100, 200, 300)]
    for order in last:
        send(rail, order)
    monkeypatch.setenv("WAVE_STATEMENT_FROM", "2026-03-04")

    assert list(rail.statement()) == [
        *(
            ProviderPayment(order.reference, True, False, order.amount, xof(order.amount.amount // 100))
            for order in last
        ),
        ProviderPayment(first.reference, True, False, AMOUNT, FEE),
        ProviderPayment(given_back.reference, False, False, xof(1_200), xof(12), is_reversed=True),
    ]


@pytest.mark.parametrize("step", ["error-before", "html-before", "lost-before", "too-many-requests"])
def test_statement_without_a_usable_answer_is_unavailable(
    wave: WaveHarness, rail: WaveRail, step: str
) -> None:
    wave.control.script("transactions", step)

    with pytest.raises(RailUnavailable):
        list(rail.statement())


def test_statement_needs_its_first_day(rail: WaveRail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAVE_STATEMENT_FROM")

    with pytest.raises(RailUnavailable) as refusal:
        list(rail.statement())
    assert refusal.value.facts["detail"] == "WAVE_STATEMENT_FROM is not set"


# What must not be shown


def test_nothing_personal_or_secret_is_logged_shown_or_kept(
    wave: WaveHarness, rail: WaveRail, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    wave.control.set(error_shape="payout")
    order = prepared(rail, recipient_name="Awa Ndiaye")
    kept = [send(rail, order), rail.find(order)]
    wave.script_payout(Step(outcome=Outcome.REFUSE, code="recipient-minor"))
    kept.append(send(rail, prepared(rail)))
    wave.script_payout("html")
    kept.append(send(rail, prepared(rail)))
    with pytest.raises(RecipientNameDiffers) as refusal:
        prepared(rail, recipient_name="Cheikh Tidiane Sy")

    shown = f"{kept!r} {refusal.value.facts} {WaveConfig.from_environment()!r} {caplog.text}"
    for canary in (PHONE, "771234567", "Ndiaye", "Cheikh", "wave_sn_prod_pays"):
        assert canary not in shown


def test_our_account_is_shown_by_the_name_that_we_gave_it(
    wave: WaveHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAVE_WALLET", "sn-main")
    assert wave.rail().account_shown == "sn-main"
    monkeypatch.delenv("WAVE_WALLET")
    assert wave.rail().account_shown == ""
