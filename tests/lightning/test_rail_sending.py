"""Sending orders against the simulated node."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.types import msat
from lightning.access_scopes import NEEDED, AccessScope
from lightning.client import LndClient, NodeMisconfigured
from lightning.macaroons import time_before
from lightning.rail import LightningRail
from sandbox.lnd.control import Record
from sunusav.core.deadlines import boottime_ns
from tests.lightning.macaroon_answers import OTHERS
from tests.lightning.world import NET_MSAT, PLATFORM, PLENTY_MSAT, World, deadline, instruction, now
from transfers.enums import FailureClass
from transfers.errors import RailUnavailable
from transfers.types import NotSeen, Order, Refused, Succeeded, TooLate, Unknown


def prepared(rail: LightningRail, text: str) -> Order:
    return rail.prepare(instruction(text), now=now())


def sent(rail: LightningRail, order: Order, *, node_ahead: timedelta = timedelta()) -> Any:
    return rail.send(order, deadline=deadline(node_ahead=node_ahead))


def sent_under(world: World, rail: LightningRail, *steps: Record) -> tuple[Order, Any]:
    """Prepare a payment, script it, send it."""
    order = prepared(rail, world.invoice())
    world.script(*steps)
    return order, sent(rail, order)


def test_send_pays_once_with_proof_and_cost(world: World, rail: LightningRail) -> None:
    order = prepared(rail, world.invoice())
    paid = sent(rail, order)
    assert isinstance(paid, Succeeded)
    assert rail.verify(order.reference, paid.proof)
    assert (paid.amount, paid.cost) == (msat(NET_MSAT), msat(1_000 + 9_950))
    (row,) = world.record(order.reference)
    assert (row["status"], row["value_msat"], row["fee_msat"]) == ("SUCCEEDED", NET_MSAT, 10_950)
    assert rail.balance() == msat(PLENTY_MSAT - NET_MSAT - 10_950)


@pytest.mark.parametrize(
    "options",
    [{"payment_store": "kv"}, {"payment_store": "sql"}, {"version": "0.17.5-beta"}],
    ids=["kv", "sql", "0.17"],
)
def test_send_again_after_success_finds_the_same_payment(
    world: World, rail: LightningRail, options: Record
) -> None:
    """ALREADY_EXISTS, in each version's code and text: the money moves once."""
    world.control.set_options(PLATFORM, **options)
    order = prepared(rail, world.invoice())
    assert sent(rail, order) == sent(rail, order)
    (row,) = world.record(order.reference)
    assert (row["sends"], row["accepted"], row["successes"]) == (2, 1, 1)


@pytest.mark.parametrize(
    "options", [{"payment_store": "sql"}, {"version": "0.17.5-beta"}], ids=["sql", "0.17"]
)
def test_send_again_while_in_flight_is_unknown_and_seen(
    world: World, rail: LightningRail, options: Record
) -> None:
    world.control.set_options(PLATFORM, **options)
    order, first = sent_under(world, rail, {"do": "hold", "at": "in_flight"})
    again = sent(rail, order)
    assert isinstance(first, Unknown)
    assert isinstance(again, Unknown)
    assert (again.seen, again.reason) == (True, "in-flight")
    world.control.release(PLATFORM, payment_hash=order.reference)
    world.control.wait(PLATFORM, "in_flight", payment_hash=order.reference)
    (row,) = world.record(order.reference)
    assert row["accepted"] == 1


def test_send_again_paid_and_expired_is_not_failed(world: World, rail: LightningRail) -> None:
    """LND checks the expiry before its payment table, so the error does not show whether it was paid."""
    order = prepared(rail, world.invoice(expiry=600))
    paid = sent(rail, order)
    world.control.set_clock(advance_seconds=700)
    doubt = sent(rail, order, node_ahead=timedelta(seconds=700))
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.reason) == (False, "node-refused")
    assert "invoice expired" in doubt.evidence["text"]
    assert rail.find(order) == paid


def test_send_unpaid_and_expired_is_unknown_then_not_seen(
    world: World, rail: LightningRail, our_pubkey: str
) -> None:
    order = prepared(rail, world.invoice(expiry=600))
    world.control.set_clock(advance_seconds=700)
    assert isinstance(sent(rail, order, node_ahead=timedelta(seconds=700)), Unknown)
    found = rail.find(order)
    assert isinstance(found, NotSeen)
    assert found.source == our_pubkey


@pytest.mark.parametrize(
    ("name", "reason", "failure"),
    [
        ("TIMEOUT", "timeout", FailureClass.RETRY),
        ("NO_ROUTE", "no-route", FailureClass.RETRY),
        ("ERROR", "error", FailureClass.REVIEW),
        ("INCORRECT_PAYMENT_DETAILS", "incorrect-payment-details", FailureClass.FINAL),
        ("INSUFFICIENT_BALANCE", "insufficient-balance", FailureClass.HOLD),
        ("CANCELED", "canceled", FailureClass.RETRY),
        ("NONE", "none", FailureClass.REVIEW),
    ],
)
def test_send_failed_payment_is_refused_by_its_reason(
    world: World, rail: LightningRail, name: str, reason: str, failure: FailureClass
) -> None:
    order, refused = sent_under(world, rail, {"do": "fail", "reason": name})
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == (reason, failure)
    found = rail.find(order)
    assert isinstance(found, Refused)
    assert (found.reason, found.failure) == (reason, failure)
    assert rail.balance() == msat(PLENTY_MSAT)


def test_send_again_after_failure_can_succeed(world: World, rail: LightningRail) -> None:
    order, refused = sent_under(world, rail, {"do": "fail", "reason": "NO_ROUTE"})
    assert isinstance(refused, Refused)
    assert isinstance(sent(rail, order), Succeeded)
    assert [row["status"] for row in world.record(order.reference)] == ["FAILED", "SUCCEEDED"]


def test_send_route_dearer_than_the_limit_is_refused(world: World, rail: LightningRail) -> None:
    world.control.set_money(PLATFORM, fee_base_msat=995_001)
    refused = sent(rail, prepared(rail, world.invoice()))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.failure) == ("no-route", FailureClass.RETRY)


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"do": "bad_preimage"}, "preimage-does-not-fit"),
        ({"do": "misreport", "value_msat": NET_MSAT - 1}, "another-amount-paid"),
        ({"do": "misreport", "payment_request": "lnbcrt1other"}, "another-invoice-paid"),
    ],
)
def test_send_success_that_differs_from_the_order_is_suspect(
    world: World, rail: LightningRail, step: Record, reason: str
) -> None:
    order, doubt = sent_under(world, rail, step)
    found = rail.find(order)
    for answer in (doubt, found):
        assert isinstance(answer, Unknown)
        assert (answer.seen, answer.reason, answer.suspect) == (True, reason, True)


BREAKS = [{"do": "drop"}, {"do": "end"}, {"do": "hang"}]
BREAKS += [{"do": "error", "code": code} for code in ("UNKNOWN", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED")]
BREAKS += [{"do": "error", "code": "UNAVAILABLE", "text": "failed to connect to all addresses"}]


@pytest.mark.parametrize("step", BREAKS, ids=lambda step: step.get("code", step["do"]))
@pytest.mark.parametrize("phase", ["created", "in_flight", "resolved"])
def test_send_broken_after_the_row_exists_is_unknown_and_then_found_paid(
    world: World, rail: LightningRail, step: Record, phase: str
) -> None:
    order, doubt = sent_under(world, rail, {**step, "at": phase})
    assert isinstance(doubt, Unknown)
    assert not doubt.suspect
    assert isinstance(rail.find(order), Succeeded)
    assert isinstance(sent(rail, order), Succeeded)
    (row,) = world.record(order.reference)
    assert (row["accepted"], row["successes"]) == (1, 1)


@pytest.mark.parametrize("step", BREAKS, ids=lambda step: step.get("code", step["do"]))
def test_send_broken_before_the_row_exists_is_unknown_and_then_not_seen(
    world: World, rail: LightningRail, our_pubkey: str, step: Record
) -> None:
    order, doubt = sent_under(world, rail, {**step, "at": "arrived"})
    assert isinstance(doubt, Unknown)
    assert not doubt.seen
    found = rail.find(order)
    if isinstance(found, NotSeen):
        assert found.source == our_pubkey
    assert isinstance(sent(rail, order), Succeeded)
    (row,) = world.record(order.reference)
    assert (row["accepted"], row["successes"]) == (1, 1)


def test_send_to_slow_node_ends_at_our_deadline_and_is_seen(world: World, rail: LightningRail) -> None:
    order, doubt = sent_under(world, rail, {"do": "in_flight", "seconds": 2.5})
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.reason) == (True, "no-answer")
    assert doubt.evidence["code"] == "DEADLINE_EXCEEDED"
    open_still = rail.find(order)
    assert isinstance(open_still, Unknown)
    assert (open_still.seen, open_still.reason) == (True, "in-flight")
    assert open_still.evidence["failure_reason"] == "timeout"
    world.control.settle(PLATFORM, order.reference)
    assert isinstance(rail.find(order), Succeeded)


def test_send_stuck_payment_is_unknown_until_the_node_ends_it(world: World, rail: LightningRail) -> None:
    order, doubt = sent_under(world, rail, {"do": "stuck"})
    for answer in (doubt, rail.find(order)):
        assert isinstance(answer, Unknown)
        assert answer.seen
    world.control.fail(PLATFORM, order.reference, reason="NO_ROUTE")
    assert isinstance(rail.find(order), Refused)


def test_send_node_killed_in_flight_is_unknown_and_settles_after_restart(
    world: World, rail: LightningRail
) -> None:
    order = prepared(rail, world.invoice())
    world.script({"do": "hold", "at": "in_flight"})
    answers: list[Any] = []
    sending = threading.Thread(target=lambda: answers.append(sent(rail, order)))
    sending.start()
    assert world.control.wait(PLATFORM, "in_flight", payment_hash=order.reference) == 1
    world.process.kill()
    sending.join()
    assert isinstance(answers[0], Unknown)
    assert (answers[0].seen, answers[0].suspect) == (True, False)
    with pytest.raises(RailUnavailable):
        rail.find(order)
    world.process.start()
    world.wait_until_reached()
    world.control.settle(PLATFORM, order.reference)
    found = rail.find(order)
    assert isinstance(found, Succeeded)
    assert rail.verify(order.reference, found.proof)


def test_send_without_node_is_unavailable_and_sends_nothing(world: World, rail: LightningRail) -> None:
    order = prepared(rail, world.invoice())
    world.control.stop_serving(PLATFORM)
    fresh = LightningRail(LndClient(world.access("paying")))
    with pytest.raises(RailUnavailable):
        sent(fresh, order)
    world.control.start_serving(PLATFORM)
    assert world.record(order.reference) == []


def test_send_from_another_node_is_unavailable_and_sends_nothing(world: World, rail: LightningRail) -> None:
    """Another node does not know what the first one paid: it would pay again."""
    order = prepared(rail, world.invoice())
    world.control.set_options(PLATFORM, shown_pubkey="02" + "ab" * 32)
    fresh = LightningRail(LndClient(world.access("paying")))
    with pytest.raises(RailUnavailable) as unavailable:
        sent(fresh, order)
    assert "belongs to" in unavailable.value.facts["detail"]
    assert world.record(order.reference) == []


def test_send_without_permission_is_unavailable_and_sends_nothing(
    world: World, rail: LightningRail, tmp_path: Path
) -> None:
    """LND's interceptor refused the call before its handler ran."""
    order = prepared(rail, world.invoice())
    narrow = world.control.bake_macaroon(PLATFORM, [("info", "read"), ("offchain", "read")])
    reader = LightningRail(LndClient(world.access_with(narrow, tmp_path)))
    with pytest.raises(RailUnavailable) as unavailable:
        sent(reader, order)
    assert unavailable.value.facts["detail"] == (
        "the paying macaroon: /routerrpc.Router/SendPaymentV2 UNKNOWN permission denied"
    )
    assert isinstance(reader.find(order), NotSeen)
    assert world.record(order.reference) == []


@pytest.mark.parametrize("text", OTHERS)
def test_send_refused_in_words_of_a_macaroon_by_the_handler_is_unknown(
    world: World, rail: LightningRail, text: str
) -> None:
    order, doubt = sent_under(world, rail, {"do": "error", "at": "created", "text": text})
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.evidence["text"]) == (False, text)
    assert isinstance(rail.find(order), Succeeded)


def test_send_that_quotes_our_expired_caveat_inside_another_text_is_unknown(
    world: World, rail: LightningRail
) -> None:
    """A handler's error, as of a remote signer: it may have executed the call, so it is not too late."""
    order, until = prepared(rail, world.invoice()), deadline()
    quoted = f'caveat "{time_before(until.at)}" not satisfied: macaroon has expired'
    world.script({"do": "error", "at": "created", "text": f"unable to sign: {quoted}"})
    doubt = rail.send(order, deadline=until)
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.evidence["error"]) == (False, "NodeMisconfigured")
    assert isinstance(rail.find(order), Succeeded)


def test_send_refused_for_the_macaroon_after_a_message_is_unknown(world: World, rail: LightningRail) -> None:
    """LND does not do this. If it did, the payment would have begun."""
    order, doubt = sent_under(world, rail, {"do": "error", "at": "in_flight", "text": "permission denied"})
    assert isinstance(doubt, Unknown)
    assert (doubt.seen, doubt.evidence["error"]) == (True, "NodeMacaroonRefused")
    assert isinstance(rail.find(order), Succeeded)


def test_send_goaway_in_flight_is_followed_to_its_end(world: World, rail: LightningRail) -> None:
    order = prepared(rail, world.invoice())
    world.script({"do": "hold", "at": "in_flight"})
    answers: list[Any] = []
    sending = threading.Thread(target=lambda: answers.append(sent(rail, order)))
    sending.start()
    world.control.wait(PLATFORM, "in_flight", payment_hash=order.reference)
    world.control.go_away(PLATFORM)
    world.control.release(PLATFORM, payment_hash=order.reference)
    sending.join()
    assert isinstance(answers[0], Succeeded)
    (row,) = world.record(order.reference)
    assert (row["sends"], row["successes"]) == (1, 1)


def test_send_after_our_deadline_is_too_late_and_makes_no_call(world: World, rail: LightningRail) -> None:
    """Our clock that runs while a process is stopped decides; the node would still accept the call."""
    order = prepared(rail, world.invoice())
    passed = replace(deadline(), boottime_ns=boottime_ns())
    assert isinstance(rail.send(order, deadline=passed), TooLate)
    assert world.record(order.reference) == []


def test_send_received_after_its_deadline_is_refused_by_the_node(world: World, rail: LightningRail) -> None:
    """The process was stopped after its own comparisons, and the bytes left late."""
    order = prepared(rail, world.invoice())
    assert isinstance(sent(rail, prepared(rail, world.invoice())), Succeeded)
    late = replace(deadline(), at=now())
    outcome = rail.send(order, deadline=late)
    assert isinstance(outcome, TooLate)
    assert outcome.evidence["error"] == "NodeTooLate"
    assert "macaroon has expired" in outcome.evidence["text"]
    assert world.record(order.reference) == []
    assert isinstance(rail.find(order), NotSeen)


def test_send_that_the_node_takes_up_after_the_deadline_is_too_late(
    world: World, rail: LightningRail
) -> None:
    order = rail.prepare(instruction(world.invoice()), now=now())
    world.control.script_calls(PLATFORM, "SendPaymentV2", "received", {"do": "hold"})
    answers: list[Any] = []
    slow = LightningRail(LndClient(world.access("paying")))
    sending = threading.Thread(target=lambda: answers.append(slow.send(order, deadline=deadline())))
    sending.start()
    assert world.control.wait_for_call(PLATFORM, "SendPaymentV2") == 1
    world.control.set_clock(advance_seconds=21)
    world.control.release_call(PLATFORM, "SendPaymentV2")
    sending.join()
    world.control.set_clock()
    assert isinstance(answers[0], TooLate)
    assert isinstance(rail.find(order), NotSeen)
    assert isinstance(rail.send(order, deadline=deadline()), Succeeded)
    assert len(world.record(order.reference)) == 1


def test_send_again_too_late_says_nothing_about_the_payment_before(world: World, rail: LightningRail) -> None:
    order = prepared(rail, world.invoice())
    paid = sent(rail, order)
    assert isinstance(rail.send(order, deadline=replace(deadline(), at=now())), TooLate)
    assert rail.find(order) == paid
    (row,) = world.record(order.reference)
    assert (row["sends"], row["successes"]) == (1, 1)


def test_send_with_an_expired_macaroon_is_not_too_late(world: World, tmp_path: Path) -> None:
    """The operator's macaroon ended: that is a fault of the rail, and a later send would not go either."""
    methods = [("uri", method.path) for method in NEEDED[AccessScope.PAYING]]
    ended = world.control.bake_macaroon(PLATFORM, methods, time_before=int(now().timestamp()) - 5)
    client = LndClient(world.access_with(ended, tmp_path))
    for moment in (deadline(), replace(deadline(), at=now())):
        stream = client.send_payment(
            payment_request=world.invoice(),
            fee_limit_msat=10_000,
            timeout_seconds=1,
            stream_seconds=2,
            deadline=moment,
        )
        with pytest.raises(NodeMisconfigured, match="macaroon has expired"):
            list(stream)
