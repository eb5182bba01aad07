"""The franc rail against its provider: what it pays, and what it makes of every answer. Amounts: whole francs.

12,299 sats at 8,000,000 XOF per bitcoin are 983 francs.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ledger.types import Money, xof
from partners.errors import PhoneNotOfPartner, PhoneUnreadable, RecipientUnknown
from sandbox.simulator.script import Step
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.francs.fixtures import FLOAT_XOF
from tests.francs.process import FrancProcess
from tests.francs.rail import FrancRail, RepeatingFrancRail, UnfencedFrancRail
from transfers.enums import FailureClass
from transfers.errors import DestinationKindUnsupported, RailShort, RailUnavailable
from transfers.rails import Rail
from transfers.types import (
    Destination,
    Instruction,
    NotSeen,
    Order,
    PreviousOrder,
    ProviderPayment,
    Refused,
    Reversed,
    Sendable,
    Succeeded,
    TooLate,
    Unknown,
)

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
PHONE, OTHER_PHONE = "+221771234567", "+221770000001"
AMOUNT, FEE = xof(983), xof(20)


@pytest.fixture(autouse=True)
def charges(francs: FrancProcess) -> None:
    """Ten francs and one percent, at ten o'clock."""
    francs.control.set(fee_francs=10, fee_bps=100)
    francs.control.set_clock(NOW)


@pytest.fixture
def rail(francs: FrancProcess) -> FrancRail:
    return FrancRail()


def instruction(value: str = PHONE, amount: Money = AMOUNT, **changes: Any) -> Instruction:
    return Instruction(7, amount, Destination("franc", "phone", value), **changes)


def prepared(rail: Rail, **changes: Any) -> Order:
    return rail.prepare(instruction(**changes), now=NOW)


def deadline(at: datetime = NOW + timedelta(seconds=20)) -> Deadline:
    return Deadline.after(timedelta(seconds=20), at=at, read_at_ns=boottime_ns())


def passed() -> Deadline:
    return Deadline(NOW, boottime_ns())


def test_rails_are_rails(francs: FrancProcess) -> None:
    rails: list[Rail] = [FrancRail(), UnfencedFrancRail(), RepeatingFrancRail()]

    for rail in rails:
        assert (rail.account.code, rail.cost_account.code) == (
            "partner_float:XOF:franc", "partner_charges:XOF:franc",
        )  # fmt: skip


# Checking and preparing


@pytest.mark.parametrize("value", [PHONE, "+221 77 123 45 67"])
def test_check_and_payee_read_a_phone(rail: FrancRail, value: str) -> None:
    assert rail.check(instruction(value), now=NOW) == ""
    assert rail.payee_of(Destination("franc", "phone", value)) == f"phone:{PHONE}"


@pytest.mark.parametrize("value", ["", "771234567", "+22177123456", "+2217712345678", "+22177123456x"])
def test_unreadable_phone_is_refused_without_a_call(
    francs: FrancProcess, rail: FrancRail, value: str
) -> None:
    for refused in (lambda: rail.check(instruction(value), now=NOW), lambda: prepared(rail, value=value)):
        with pytest.raises(PhoneUnreadable) as refusal:
            refused()
        assert refusal.value.facts == {"rail": "franc"}
    assert francs.control.calls("recipient") == 0


def test_phone_of_another_country_is_refused(rail: FrancRail) -> None:
    with pytest.raises(PhoneNotOfPartner) as refusal:
        rail.payee_of(Destination("franc", "phone", "+33612345678"))
    assert (refusal.value.facts["country"], refusal.value.facts["served_countries"]) == ("FR", ["SN"])


def test_other_kind_of_destination_is_refused(rail: FrancRail) -> None:
    with pytest.raises(DestinationKindUnsupported) as refusal:
        rail.payee_of(Destination("franc", "bolt11", "lnbc1"))
    assert refusal.value.facts == {"rail": "franc", "kind": "bolt11", "supported_kinds": ["phone"]}


def test_prepare_returns_a_complete_order_and_pays_nothing(francs: FrancProcess, rail: FrancRail) -> None:
    order = prepared(rail, value="+221 77 123 45 67")

    expires_at = NOW + timedelta(days=1)
    # 100 francs and 2 % of 983, up.
    assert order == Order(
        rail="franc", reference=order.reference, payload=PHONE, amount=AMOUNT, cost_limit=xof(120),
        payee=f"phone:{PHONE}", source="franc-1", expires_at=expires_at,
        give_up_after=expires_at + timedelta(seconds=10), is_renewable=True,
    )  # fmt: skip
    assert UUID(order.reference).version == 4
    assert francs.control.record()["payouts"] == []


def test_each_order_has_a_reference_of_its_own(rail: FrancRail) -> None:
    first = prepared(rail)
    again = prepared(rail, previous=PreviousOrder(first, FailureClass.RENEW))

    assert again.reference != first.reference
    assert again == replace(first, reference=again.reference)


def test_phone_without_wallet_is_refused_when_it_is_prepared(francs: FrancProcess, rail: FrancRail) -> None:
    francs.control.set(missing_wallets=[PHONE])

    with pytest.raises(RecipientUnknown) as refusal:
        prepared(rail)
    assert refusal.value.facts == {"rail": "franc", "phone": "+22177•••••67", "reason": "no_such_wallet"}


def test_prepare_needs_the_amount_and_the_most_that_sending_may_cost(rail: FrancRail) -> None:
    # 980,294 + 100 + 19,606 (2 % of it, up) are the million that is there.
    largest = xof(980_294)

    assert prepared(rail, amount=largest).amount == largest
    with pytest.raises(RailShort) as refusal:
        prepared(rail, amount=xof(980_295))
    assert refusal.value.facts == {
        "rail": "franc", "needed": 1_000_001, "available": FLOAT_XOF, "currency": "XOF",
    }  # fmt: skip


def test_margin_for_costs_never_falls_as_the_amount_grows(rail: FrancRail) -> None:
    margins = [rail.cost_limit(xof(amount)).amount for amount in range(1, 2_000)]

    assert margins == sorted(margins)
    assert (margins[0], margins[49], margins[50]) == (101, 101, 102)


# Sending


def test_send_pays_and_find_reports_the_same(francs: FrancProcess, rail: FrancRail) -> None:
    order = prepared(rail)

    sent = rail.send(order, deadline=deadline())

    assert isinstance(sent, Succeeded)
    assert (sent.proof, sent.amount, sent.cost, sent.started_at) == ("FR-1", AMOUNT, FEE, NOW)
    assert rail.verify(order.reference, sent.proof)
    assert rail.find(order) == sent
    assert rail.send(order, deadline=deadline()) == sent
    assert francs.control.paid_by_phone() == {PHONE: 983}
    assert (rail.balance(), rail.sendable()) == (xof(998_997), Sendable(xof(998_997), xof(998_997)))


@pytest.mark.parametrize("proof", ["", "FR-", "FRC-1", "FR-1\n", "00"])
def test_other_proofs_are_refused(rail: FrancRail, proof: str) -> None:
    assert not rail.verify("r", proof)


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        ("no_such_wallet", FailureClass.FINAL),
        ("wallet_full", FailureClass.FINAL),
        ("try_later", FailureClass.RENEW),
        ("insufficient_float", FailureClass.HOLD),
        ("never_received_by_us", FailureClass.REVIEW),
    ],
)
def test_refusal_has_its_class_and_each_send_its_verdict(
    francs: FrancProcess, rail: FrancRail, code: str, failure: FailureClass
) -> None:
    order = prepared(rail)
    francs.control.refuse_next(code, times=2)

    answers = [rail.send(order, deadline=deadline()), rail.send(order, deadline=deadline()), rail.find(order)]

    for answer, verdict in zip(answers, ["FR-1", "FR-2", "FR-2"], strict=True):
        assert isinstance(answer, Refused)
        assert (answer.reason, answer.failure, answer.verdict) == (code.replace("_", "-"), failure, verdict)
    assert francs.control.paid() == []


def test_send_after_its_deadline_does_not_leave(francs: FrancProcess, rail: FrancRail) -> None:
    assert isinstance(rail.send(prepared(rail), deadline=passed()), TooLate)
    assert francs.control.calls("pay_out") == 0


def test_send_that_arrives_late_is_refused_by_the_provider(francs: FrancProcess, rail: FrancRail) -> None:
    late = deadline(at=NOW - timedelta(seconds=1))

    assert rail.send(prepared(rail), deadline=late) == TooLate({"error": "CallRefused", "detail": "too_late"})
    assert francs.control.paid() == []


def test_send_that_arrives_late_is_paid_without_a_fence(francs: FrancProcess) -> None:
    rail = UnfencedFrancRail()

    assert isinstance(rail.send(prepared(rail), deadline=deadline(at=NOW - timedelta(days=1))), Succeeded)
    assert len(francs.control.paid()) == 1


@pytest.mark.parametrize(
    ("script", "payments"),
    [
        ("lost-after-accept", 1),
        ("lost-before", 0),
        ("error-after-accept", 1),
        ("error-before", 0),
        ("html", 1),
    ],
)
def test_answer_that_was_lost_is_unknown_and_found(
    francs: FrancProcess, rail: FrancRail, script: str, payments: int
) -> None:
    order = prepared(rail)
    francs.control.script("pay_out", script)

    sent = rail.send(order, deadline=deadline())

    assert isinstance(sent, Unknown)
    assert (sent.seen, sent.suspect, sent.reason) == (False, False, "no-answer")
    found = rail.find(order)
    assert isinstance(found, Succeeded if payments else NotSeen)
    assert isinstance(rail.send(order, deadline=deadline()), Succeeded)
    assert len(francs.control.paid()) == 1


def test_silent_provider_is_unknown_when_sent_to_and_unavailable_when_asked(
    francs: FrancProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRANC_TIMEOUT_SECONDS", "1")
    rail = FrancRail()
    order = prepared(rail)
    held = francs.control.script("pay_out", Step(hold="after"))

    assert isinstance(rail.send(order, deadline=deadline()), Unknown)

    francs.control.release(held)
    francs.freeze()
    for call in (lambda: rail.find(order), lambda: rail.send(order, deadline=deadline()), rail.balance):
        with pytest.raises(RailUnavailable):
            call()
    francs.thaw()
    assert isinstance(rail.find(order), Succeeded)
    assert len(francs.control.paid()) == 1


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_provider_that_is_not_there_is_unavailable_and_paid_nothing(
    francs: FrancProcess, rail: FrancRail, how: str
) -> None:
    order = prepared(rail)
    if how == "closed":
        francs.control.set(is_closed=True)
    else:
        francs.kill()

    calls: list[Callable[[], object]] = [
        lambda: prepared(rail),
        lambda: rail.send(order, deadline=deadline()),
        lambda: rail.find(order),
        rail.balance,
        rail.sendable,
        lambda: list(rail.statement()),
    ]
    for call in calls:
        with pytest.raises(RailUnavailable) as refusal:
            call()
        assert refusal.value.facts["rail"] == "franc"
    if how == "killed":
        francs.start()
    assert francs.control.paid() == []


def test_provider_that_closes_between_the_two_calls_of_a_send_paid_nothing(
    francs: FrancProcess, rail: FrancRail
) -> None:
    order = prepared(rail)
    held = francs.control.script("pay_out", Step(hold="before"))
    with ThreadPoolExecutor(1) as caller:
        sending = caller.submit(rail.send, order, deadline=deadline())
        francs.control.wait_until_reached(held)
        francs.control.set(is_closed=True)
        francs.control.release(held)

        with pytest.raises(RailUnavailable):
            sending.result()
    assert francs.control.paid() == []


def test_order_of_another_account_is_not_sent(francs: FrancProcess, rail: FrancRail) -> None:
    order = prepared(rail)
    francs.control.set(account="franc-2")

    with pytest.raises(RailUnavailable, match="the account is franc-2, the order belongs to franc-1"):
        rail.send(order, deadline=deadline())
    assert francs.control.calls("pay_out") == 0


# Finding


def test_pending_payout_is_unknown_but_seen_until_it_is_completed(
    francs: FrancProcess, rail: FrancRail
) -> None:
    order = prepared(rail)
    francs.control.script("pay_out", "pending")

    for answer in (rail.send(order, deadline=deadline()), rail.find(order)):
        assert isinstance(answer, Unknown)
        assert (answer.seen, answer.reason, answer.suspect) == (True, "pending", False)

    francs.control.complete(order.reference)
    assert isinstance(rail.find(order), Succeeded)


def test_reference_that_the_provider_does_not_know_is_not_seen(rail: FrancRail) -> None:
    found = rail.find(prepared(rail))

    assert found == NotSeen(
        source="franc-1", is_resendable=True, evidence={"error": "CallRefused", "detail": "not_found"}
    )


def test_absence_at_a_provider_that_pays_twice_permits_no_second_send(francs: FrancProcess) -> None:
    francs.control.set(is_idempotent=False)
    rail = RepeatingFrancRail()
    order = prepared(rail)
    francs.control.lose_answer_after_paying(hidden_seconds=3_599)

    assert isinstance(rail.send(order, deadline=deadline()), Unknown)

    found = rail.find(order)
    assert isinstance(found, NotSeen)
    assert (found.is_resendable, rail.search_window) == (False, timedelta(hours=1))
    francs.control.set_clock(NOW + rail.search_window)
    assert isinstance(rail.find(order), Succeeded)


def test_order_paid_twice_is_suspect_and_listed_twice(francs: FrancProcess) -> None:
    francs.control.set(is_idempotent=False)
    rail = RepeatingFrancRail()
    order = prepared(rail)
    for _ in range(2):
        rail.send(order, deadline=deadline())

    found = rail.find(order)

    assert isinstance(found, Unknown)
    assert (found.suspect, found.evidence) == (True, {"payouts": ["FR-1", "FR-2"]})
    assert list(rail.statement()) == [ProviderPayment(order.reference, True, False, AMOUNT, FEE)] * 2
    assert francs.control.paid_twice() == [order.reference]


def test_payout_that_was_given_back_is_reversed(francs: FrancProcess, rail: FrancRail) -> None:
    order = prepared(rail)
    rail.send(order, deadline=deadline())
    francs.control.set_clock(NOW + timedelta(days=1))
    row = francs.control.reverse(order.reference)

    assert rail.find(order) == Reversed(
        reference="FRR-1",
        amount=AMOUNT,
        at=NOW + timedelta(days=1),
        evidence={**row, "phone": "+22177•••••67"},
    )
    again = rail.send(order, deadline=deadline(at=NOW + timedelta(days=1, seconds=20)))
    assert isinstance(again, Unknown)
    assert (again.seen, again.reason) == (True, "reversed")
    assert francs.control.paid_by_phone() == {PHONE: 0}


@pytest.mark.parametrize("change", [{"payload": OTHER_PHONE}, {"amount": xof(984)}])
def test_payment_of_another_phone_or_amount_is_suspect(
    francs: FrancProcess, rail: FrancRail, change: dict[str, Any]
) -> None:
    order = prepared(rail)
    rail.send(order, deadline=deadline())

    other = replace(order, **change)
    for answer, reason in (
        (rail.find(other), "another-payment"),
        (rail.send(other, deadline=deadline()), "reference-used-otherwise"),
    ):
        assert isinstance(answer, Unknown)
        assert (answer.seen, answer.suspect, answer.reason) == (True, True, reason)
    assert len(francs.control.paid()) == 1


# The statement


def test_statement_lists_every_state_over_several_pages(
    francs: FrancProcess, rail: FrancRail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.francs.rail.PAGE_SIZE", 2)
    paid, refused, pending, reversed_ = (
        prepared(rail, amount=xof(amount)) for amount in (100, 200, 300, 400)
    )
    rail.send(paid, deadline=deadline())
    francs.control.refuse_next("try_later")
    rail.send(refused, deadline=deadline())
    francs.control.script("pay_out", "pending")
    rail.send(pending, deadline=deadline())
    rail.send(reversed_, deadline=deadline())
    francs.control.reverse(reversed_.reference)

    assert list(rail.statement()) == [
        ProviderPayment(paid.reference, True, False, xof(100), xof(11)),
        ProviderPayment(refused.reference, False, False, xof(200), xof(12)),
        ProviderPayment(pending.reference, False, True, xof(300), xof(13)),
        ProviderPayment(reversed_.reference, False, False, xof(400), xof(14), is_reversed=True),
    ]
