"""What every partner's rail keeps to: it pays once or says that it does not know."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ledger.types import Money, xof
from partners.errors import PhoneNotOfPartner, PhoneUnreadable, RecipientUnknown
from sandbox.simulator.script import Step
from tests.partners.calls import (
    AMOUNT,
    as_paid,
    concluded,
    deadline,
    eventually,
    found_in_the_end,
    impatient,
    instruction,
    now,
    prepared,
)
from tests.partners.harness import Harness
from transfers.enums import FailureClass
from transfers.errors import (
    DestinationKindUnsupported,
    RailCredentialsRefused,
    RailShort,
    RailUnavailable,
)
from transfers.rails import Rail
from transfers.types import (
    Destination,
    NotSeen,
    Order,
    Refused,
    Reversed,
    Succeeded,
    TooLate,
    Unknown,
)


def test_accounts_are_in_francs_and_named_after_the_partner(partner: Harness, rail: Rail) -> None:
    assert rail.name == partner.name
    assert (rail.account.code, rail.cost_account.code) == (
        f"partner_float:XOF:{partner.name}", f"partner_charges:XOF:{partner.name}",
    )  # fmt: skip
    assert 0 < rail.send_deadline_seconds <= 20
    assert rail.search_window > timedelta(0) or partner.traits.is_idempotent


# Checking and preparing


def test_phone_is_read_in_every_spelling(partner: Harness, rail: Rail) -> None:
    country, rest = partner.phone[:4], partner.phone[4:]

    for value in (partner.phone, f"{country} {rest[:2]} {rest[2:5]} {rest[5:]}", f" {partner.phone} "):
        assert rail.check(instruction(partner, phone=value), now=now()) == ""
        assert rail.payee_of(Destination(partner.name, "phone", value)) == f"phone:{partner.phone}"


def test_phone_that_cannot_be_paid_is_refused_without_a_call(partner: Harness, rail: Rail) -> None:
    partner.kill()
    try:
        for value, refusal in (
            (partner.foreign_phone, PhoneNotOfPartner),
            (partner.phone[1:], PhoneUnreadable),
            (partner.phone[:-1], PhoneUnreadable),
            ("no phone", PhoneUnreadable),
        ):
            for refused in (
                lambda value=value: rail.check(instruction(partner, phone=value), now=now()),
                lambda value=value: prepared(partner, rail, phone=value),
                lambda value=value: rail.payee_of(Destination(partner.name, "phone", value)),
            ):
                with pytest.raises(refusal):
                    refused()
        with pytest.raises(DestinationKindUnsupported):
            rail.payee_of(Destination(partner.name, "bolt11", "lnbc1"))
    finally:
        partner.start()


def test_prepare_returns_a_complete_order_and_pays_nothing(partner: Harness, rail: Rail) -> None:
    at = now()
    order = rail.prepare(instruction(partner), now=at)

    assert (order.rail, order.amount, order.payee) == (partner.name, AMOUNT, f"phone:{partner.phone}")
    assert UUID(order.reference).version == 4
    assert order.source
    assert order.expires_at > at + timedelta(seconds=rail.send_deadline_seconds)
    assert order.give_up_after >= order.expires_at
    assert order.cost_limit == xof(rail.needed(AMOUNT).amount - AMOUNT.amount)
    assert prepared(partner, rail).reference != order.reference
    assert partner.paid() == []


def test_margin_for_costs_never_falls_as_the_amount_grows(rail: Rail) -> None:
    margins = [rail.needed(xof(amount)).amount - amount for amount in range(1, 2_000)]

    assert margins == sorted(margins)
    assert margins[0] >= 0


def test_amount_beyond_what_the_account_holds_is_short(partner: Harness, rail: Rail) -> None:
    held = rail.sendable().largest
    assert held == xof(1_000_000)

    with pytest.raises(RailShort) as refusal:
        prepared(partner, rail, amount=held)
    assert (refusal.value.facts["rail"], refusal.value.facts["needed"]) == (
        partner.name, rail.needed(held).amount,
    )  # fmt: skip


def test_phone_without_an_account_is_never_paid(partner: Harness, rail: Rail) -> None:
    order = None
    with suppress(RecipientUnknown):
        order = prepared(partner, rail, phone=partner.unknown_phone)
    if order is not None:
        outcome = concluded(partner, rail, order)
        assert isinstance(outcome, Refused)
        assert outcome.failure == FailureClass.FINAL
    assert partner.paid() == []


# Sending and finding


def test_send_pays_once_and_find_reports_the_same(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)

    paid = concluded(partner, rail, order)

    assert isinstance(paid, Succeeded)
    assert (paid.amount, paid.cost is not None) == (AMOUNT, partner.traits.states_charges)
    assert rail.verify(order.reference, paid.proof)
    assert not rail.verify(order.reference, "")
    found = rail.find(order)
    assert isinstance(found, Succeeded)
    assert (found.proof, found.amount, found.cost) == (paid.proof, paid.amount, paid.cost)
    assert partner.paid() == [as_paid(order, partner.phone)]
    assert rail.balance() == xof(partner.balance_xof())


def test_same_order_sent_again_is_paid_once_where_the_partner_is_idempotent(
    partner: Harness, rail: Rail
) -> None:
    if not partner.traits.is_idempotent:
        pytest.skip("this partner pays again: its rail never offers the order for sending")
    order = prepared(partner, rail)
    for _ in range(3):
        outcome = concluded(partner, rail, order)
        assert isinstance(outcome, Succeeded)

    assert partner.paid() == [as_paid(order, partner.phone)]


def test_send_after_its_deadline_does_not_leave(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)

    assert isinstance(rail.send(order, deadline=deadline(-1)), TooLate)

    assert partner.paid() == []
    assert isinstance(rail.find(order), NotSeen)


def test_order_that_the_partner_does_not_know_is_not_seen(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)

    found = rail.find(order)

    assert isinstance(found, NotSeen)
    assert (found.source, found.is_resendable) == (order.source, partner.traits.is_idempotent)


@pytest.mark.parametrize("is_paid", [True, False])
def test_pending_payout_is_known_but_undecided_until_it_ends(
    partner: Harness, rail: Rail, is_paid: bool
) -> None:
    order = prepared(partner, rail)
    partner.script_payout("pending")

    sent = rail.send(order, deadline=deadline())
    assert isinstance(sent, Unknown)
    assert not sent.suspect
    found = rail.find(order)
    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect) == (True, False)
    assert partner.paid() == []

    partner.complete(order.reference, is_paid=is_paid)
    assert isinstance(found_in_the_end(rail, order), Succeeded if is_paid else Refused)
    assert len(partner.paid()) == int(is_paid)


@pytest.mark.parametrize(
    ("kind", "failure"), [("recipient", FailureClass.FINAL), ("float", FailureClass.HOLD)]
)
def test_refusal_has_its_class_and_pays_nothing(
    partner: Harness, rail: Rail, kind: str, failure: FailureClass
) -> None:
    order = prepared(partner, rail)
    partner.refuse_next(kind)

    outcome = concluded(partner, rail, order)

    assert isinstance(outcome, Refused)
    assert outcome.failure == failure
    assert outcome.reason
    assert partner.paid() == []


def test_refused_credentials_stop_the_rail_and_pay_nothing(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)
    partner.refuse_next("credentials")

    outcome = None
    with suppress(RailCredentialsRefused):
        outcome = rail.send(order, deadline=deadline())

    assert outcome is None or (isinstance(outcome, Refused) and outcome.failure == FailureClass.STOP)
    assert partner.paid() == []


def test_payout_that_was_given_back_is_reversed(partner: Harness, rail: Rail) -> None:
    if not partner.traits.is_reversible:
        pytest.skip("this partner's API gives no payment back")
    order = prepared(partner, rail)
    concluded(partner, rail, order)

    partner.reverse(order.reference)

    found = eventually(lambda: rail.find(order), lambda found: isinstance(found, Reversed))
    assert isinstance(found, Reversed)
    assert (found.amount, bool(found.reference)) == (AMOUNT, True)
    assert found.at.utcoffset() is not None


def test_payment_of_another_amount_is_suspect(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)
    concluded(partner, rail, order)

    found = rail.find(replace(order, amount=xof(984)))

    assert isinstance(found, Unknown)
    assert (found.seen, found.suspect) == (True, True)
    assert partner.paid() == [as_paid(order, partner.phone)]


def test_order_of_another_account_is_not_sent(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)

    with pytest.raises(RailUnavailable):
        rail.send(replace(order, source="another account"), deadline=deadline())

    assert partner.paid() == []


# Unreachable partners


def calls_of(partner: Harness, rail: Rail, order: Order) -> list[Callable[[], Any]]:
    return [
        lambda: prepared(partner, rail),
        lambda: rail.send(order, deadline=deadline()),
        lambda: rail.find(order),
        rail.balance,
        rail.sendable,
        lambda: list(rail.statement()),
    ]


def test_partner_that_is_not_there_is_unavailable_and_paid_nothing(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)
    partner.kill()
    try:
        for call in calls_of(partner, rail, order):
            with pytest.raises(RailUnavailable) as refusal:
                call()
            assert refusal.value.facts["rail"] == partner.name
    finally:
        partner.start()
    assert partner.paid() == []


def test_silent_partner_is_unavailable_when_asked_and_pays_at_most_once(
    partner: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(partner, monkeypatch)
    rail = partner.rail()
    order = prepared(partner, rail)
    held = partner.script_payout(Step(hold="after"))

    assert isinstance(rail.send(order, deadline=deadline()), Unknown)

    partner.release(held)
    partner.freeze()
    try:
        for ask in (lambda: rail.find(order), rail.balance):
            with pytest.raises(RailUnavailable):
                ask()
    finally:
        partner.thaw()
    assert isinstance(found_in_the_end(rail, order), Succeeded)
    assert partner.paid() == [as_paid(order, partner.phone)]


def test_killed_partner_finds_what_it_had_paid(partner: Harness, rail: Rail) -> None:
    order = prepared(partner, rail)
    paid = concluded(partner, rail, order)
    assert isinstance(paid, Succeeded)

    partner.kill()
    partner.start()

    found = rail.find(order)
    assert isinstance(found, Succeeded)
    assert found.proof == paid.proof


# The statement


def test_statement_lists_what_was_paid(partner: Harness, rail: Rail) -> None:
    if not partner.traits.has_statement:
        with pytest.raises(RailUnavailable):
            list(rail.statement())
        return
    amounts: list[Money] = [xof(amount) for amount in (100, 200, 300)]
    orders = [prepared(partner, rail, amount=amount) for amount in amounts]
    for order in orders:
        concluded(partner, rail, order)

    lines = {line.reference: line for line in rail.statement() if line.is_paid}

    assert {order.reference: lines[order.reference].amount for order in orders} == {
        order.reference: order.amount for order in orders
    }
    assert all((line.cost is not None) is partner.traits.states_charges for line in lines.values())
