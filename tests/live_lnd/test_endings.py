"""A cycle is cancelled while one of its invoices is being paid, and the credit is refunded, on real nodes.

Members pay from the node `wallets`; the product's services use the node `platform`.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.types import AccountRef
from lightning.access_scopes import uris_of
from lightning.client import AccessScope, LndClient, NodeAccess
from lightning.proto.lightning_pb2 import HTLCAttempt, Invoice
from payouts.calculations import pot_of
from payouts.queries.cycles import contribution
from payouts.queries.refunds import refund
from payouts.services.refunds import cancel_refund, request_refund
from payouts.types import RefundFacts
from sunusav.core import clock
from sunusav.core.errors import DomainError
from tests.crash.payouts import breaches
from tests.factories.payouts import ACTOR, make_group
from tests.live_lnd.cancelled_cycles import (
    AMOUNT_MSAT,
    AMOUNT_SATS,
    MEMBER,
    NODE,
    Asked,
    ask,
    cancel,
    hear,
    pay,
    pay_half,
    require_arrived,
    require_refused_at_node,
    require_withdrawn,
    sweep,
    wait_until_half_is_held,
)
from tests.live_lnd.engine.wallets import RealWallets
from tests.live_lnd.node_pair import reason, status
from tests.live_lnd.polling import eventually
from tests.live_lnd.regtest.network import (
    WALLETS,
    Regtest,
    macaroons_of_compose_file,
    node_behind_wallets,
    throwaway_network,
)
from tests.live_lnd.regtest.node import NETWORK
from tests.live_lnd.regtest.programs import find_programs
from tests.live_lnd.regtest.wallets import NodeWallets
from tests.support.lightning import settings_for
from transfers.collectors import collector
from transfers.credit_queries import credit_msat
from transfers.engine.runner import run_due
from transfers.errors import CreditShort, DisbursementNotCancellable
from transfers.rails import rail
from transfers.types import Destination

pytestmark = [pytest.mark.lnd, pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

REFUSED = "INCORRECT_OR_UNKNOWN_PAYMENT_DETAILS"
# Payments that race with the sweep, and how much later than the last the sweep begins in each.
RACES, LATER_SECONDS = 12, 0.02
# A refused refund can be cancelled once no send of it can be accepted any more and a worker has asked again.
PATIENCE_SECONDS = 120.0
ROUTING = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
Learn = Callable[[Asked], object]


# The nodes


@pytest.fixture(scope="module")
def network() -> Iterator[Regtest]:
    """Nodes of this file alone: the contract compares all payments and invoices of its own."""
    with throwaway_network() as network:
        yield network


@pytest.fixture(scope="module")
def wallets(network: Regtest) -> RealWallets:
    return RealWallets(network)


@pytest.fixture(scope="module")
def payer(network: Regtest) -> LndClient:
    """The node `wallets`, with the right to pay."""
    node = network.wallets
    macaroon = node.bake("members", uris_of(AccessScope.PAYING))
    return LndClient(NodeAccess(node.grpc_host, NETWORK, str(node.certificate), macaroon_path=str(macaroon)))


@pytest.fixture(scope="module")
def lnd_settings(network: Regtest) -> dict[str, str]:
    node = network.platform
    macaroons = {name: node.bake(name, rights) for name, rights in macaroons_of_compose_file().items()}
    return settings_for(node.address(macaroons))


@pytest.fixture(autouse=True)
def product(settings: Settings, lnd_settings: dict[str, str]) -> Iterator[None]:
    """Point the product at `platform`, with a key for new invoices: ids of requests begin again in each test."""
    for name, value in {**lnd_settings, "INVOICE_PREIMAGE_KEY": secrets.token_hex(32)}.items():
        setattr(settings, name, value)
    rail.cache_clear()
    collector.cache_clear()
    yield
    rail.cache_clear()
    collector.cache_clear()


# The payment comes first


def test_payment_recorded_before_the_cycle_is_cancelled_is_returned_from_the_pot(payer: LndClient) -> None:
    asked = ask()
    assert status(pay(payer, asked)) == "SUCCEEDED"
    hear(asked)
    assert (owed(pot_of(asked.cycle_id)), credit_msat(MEMBER)) == (AMOUNT_MSAT, 0)

    cancel(asked)

    assert contribution(asked.cycle_id, MEMBER).status == "returned"
    assert (owed(pot_of(asked.cycle_id)), credit_msat(MEMBER), balance(NODE)) == (0, AMOUNT_MSAT, AMOUNT_MSAT)
    assert (asked.row().state, asked.row().ask_at) == ("settled", None)
    assert breaches(now=clock.now()) == []


def learn_by_listener_and_sweep(asked: Asked) -> None:
    hear(asked)
    sweep()


def learn_by_sweep_and_listener(asked: Asked) -> None:
    sweep()
    hear(asked)


@pytest.mark.parametrize("learn", [learn_by_listener_and_sweep, learn_by_sweep_and_listener])
def test_payment_that_settles_before_the_sweep_cancels_becomes_credit_once(
    payer: LndClient, learn: Learn
) -> None:
    asked = ask()
    cancel(asked)
    paid = pay(payer, asked)
    assert (status(paid), paid.value_msat) == ("SUCCEEDED", AMOUNT_MSAT)

    learn(asked)

    require_arrived(asked)
    require_withdrawn(asked, credited_msat=AMOUNT_MSAT)


def test_payment_held_while_the_cycle_is_cancelled_that_settles_before_the_sweep_becomes_credit(
    network: Regtest,
) -> None:
    asked = ask()
    with ThreadPoolExecutor() as threads:
        first = threads.submit(pay_half, network.wallets, asked)
        wait_until_half_is_held(asked)

        cancel(asked)

        assert (credit_msat(MEMBER), asked.row().ask_at is not None) == (0, True)
        second = threads.submit(pay_half, network.wallets, asked)
        assert [one.result()["status"] for one in (first, second)] == ["SUCCEEDED", "SUCCEEDED"]
    sweep()

    require_arrived(asked)
    require_withdrawn(asked, credited_msat=AMOUNT_MSAT)


# The sweep comes first


def test_payment_after_the_sweep_has_cancelled_is_refused_and_nothing_arrives(payer: LndClient) -> None:
    asked = ask()
    cancel(asked)
    assert sweep() == 1

    refused = pay(payer, asked)

    assert (status(refused), reason(refused)) == ("FAILED", "INCORRECT_PAYMENT_DETAILS")
    require_refused_at_node(asked)
    require_withdrawn(asked, credited_msat=0)


def test_payment_held_while_the_sweep_cancels_goes_back_to_the_payer(network: Regtest) -> None:
    asked = ask()
    with ThreadPoolExecutor() as threads:
        half: Future[Any] = threads.submit(pay_half, network.wallets, asked)
        wait_until_half_is_held(asked)

        cancel(asked)
        assert sweep() == 1

        ended = half.result()
    assert (ended["status"], ended["failure"]["code"]) == (
        HTLCAttempt.HTLCStatus.Name(HTLCAttempt.FAILED),
        REFUSED,
    )
    (recorded,) = [one for one in network.wallets.payments() if one["payment_hash"] == asked.reference]
    assert recorded["status"] == "FAILED"
    require_refused_at_node(asked)
    require_withdrawn(asked, credited_msat=0)


# Nobody knows which comes first


def test_payments_that_race_with_the_sweep_are_credit_exactly_if_the_payer_has_paid(payer: LndClient) -> None:
    group, ends = make_group(members=2), Counter[str]()
    with ThreadPoolExecutor() as threads:
        for number in range(RACES):
            asked = ask(group)
            cancel(asked)
            paying = threads.submit(pay, payer, asked)
            time.sleep(number * LATER_SECONDS)
            sweep()
            end = status(paying.result())
            ends[end] += 1

            at_node = {"SUCCEEDED": require_arrived, "FAILED": require_refused_at_node}
            at_node[end](asked)
            require_withdrawn(asked, credited_msat=ends["SUCCEEDED"] * AMOUNT_MSAT)
    print(f"the payers' node recorded: {dict(ends)}")
    assert ends.total() == ends["SUCCEEDED"] + ends["FAILED"] == RACES


# The credit is refunded


@pytest.fixture
def credited(payer: LndClient) -> None:
    """The member has 10,000 sats of credit from a cycle that was cancelled while they paid."""
    asked = ask()
    cancel(asked)
    pay(payer, asked)
    sweep()
    require_withdrawn(asked, credited_msat=AMOUNT_MSAT)


def request(payment_request: str) -> int:
    return request_refund(
        user_id=MEMBER, amount_sats=AMOUNT_SATS, destination=Destination("lightning", "bolt11", payment_request),
        reason="the group has dissolved", actor=ACTOR, now=clock.now(),
    )  # fmt: skip


def refunded(refund_id: int) -> RefundFacts:
    return refund(MEMBER, refund_id)


def work() -> None:
    """Pay what is due, as a worker does."""
    try:
        run_due(slots=1)
    finally:
        connections.close_all()


def platforms_payment(network: Regtest, payment_hash: str) -> Any:
    (found,) = [one for one in network.platform.payments() if one["payment_hash"] == payment_hash]
    return found


@pytest.mark.usefixtures("credited")
def test_refund_through_another_node_arrives_to_the_msat_and_the_routing_fee_is_ours(
    network: Regtest,
) -> None:
    with node_behind_wallets(network, find_programs()) as node:
        home = NodeWallets(node)
        invoice = home.invoice(WALLETS, AMOUNT_MSAT)
        refund_id = request(invoice["payment_request"])
        assert credit_msat(MEMBER) == 0

        work()

        arrived = home.client.lookup_invoice(bytes.fromhex(invoice["payment_hash"]))
        assert (arrived.state, arrived.amt_paid_msat) == (Invoice.SETTLED, AMOUNT_MSAT)
    assert refunded(refund_id).status == "completed"
    sent = platforms_payment(network, invoice["payment_hash"])
    assert (sent["status"], int(sent["value_msat"])) == ("SUCCEEDED", AMOUNT_MSAT)
    fee_msat = int(sent["fee_msat"])
    print(f"refund of {AMOUNT_MSAT} msat, routing fee {fee_msat} msat")
    assert fee_msat > 0
    assert (balance(ROUTING), balance(NODE), credit_msat(MEMBER)) == (fee_msat, -fee_msat, 0)
    assert breaches(now=clock.now()) == []


@pytest.mark.usefixtures("credited")
def test_refund_held_by_the_payee_is_promised_and_completed_once_they_settle(
    network: Regtest, wallets: RealWallets
) -> None:
    held = wallets.hold_invoice(AMOUNT_MSAT)
    refund_id = request(held.text)
    with ThreadPoolExecutor() as threads:
        working = threads.submit(work)
        eventually(lambda: wallets.state_of(held.payment_hash) == "ACCEPTED")
        require_promised(refund_id, wallets)
        wallets.settle(held)
        working.result()

    assert refunded(refund_id).status == "completed"
    assert wallets.received_msat(held.payment_hash) == AMOUNT_MSAT
    fee_msat = int(platforms_payment(network, held.payment_hash)["fee_msat"])
    assert (balance(ROUTING), balance(NODE), credit_msat(MEMBER)) == (fee_msat, -fee_msat, 0)
    assert breaches(now=clock.now()) == []


@pytest.mark.usefixtures("credited")
def test_refund_that_its_payee_refuses_is_credit_again_when_it_is_cancelled(
    network: Regtest, wallets: RealWallets
) -> None:
    held = wallets.hold_invoice(AMOUNT_MSAT)
    refund_id = request(held.text)
    with ThreadPoolExecutor() as threads:
        working = threads.submit(work)
        eventually(lambda: wallets.state_of(held.payment_hash) == "ACCEPTED")
        require_promised(refund_id, wallets)
        wallets.cancel(held)
        working.result()
    assert platforms_payment(network, held.payment_hash)["status"] == "FAILED"

    eventually(lambda: is_cancelled(refund_id), within_seconds=PATIENCE_SECONDS, every_seconds=1)

    assert wallets.state_of(held.payment_hash) == "CANCELED"
    assert (credit_msat(MEMBER), balance(NODE), balance(ROUTING)) == (AMOUNT_MSAT, AMOUNT_MSAT, 0)
    assert breaches(now=clock.now()) == []


def require_promised(refund_id: int, wallets: RealWallets) -> None:
    """Require that credit in flight to its member can neither be refunded again nor taken back."""
    assert (refunded(refund_id).status, credit_msat(MEMBER)) == ("processing", 0)
    other = wallets.invoice(AMOUNT_MSAT, memo="", expiry_seconds=3_600)
    with pytest.raises(CreditShort):
        request(other.text)
    with pytest.raises(DisbursementNotCancellable):
        cancel_refund(user_id=MEMBER, refund_id=refund_id, reason="in flight", actor=ACTOR, now=clock.now())


def is_cancelled(refund_id: int) -> bool:
    work()
    try:
        cancel_refund(user_id=MEMBER, refund_id=refund_id, reason="refused", actor=ACTOR, now=clock.now())
    except DomainError:
        return False
    return True
