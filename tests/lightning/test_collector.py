"""The collector: invoices of our node, and what arrived."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from ledger.types import msat
from lightning.bolt11 import decode
from lightning.client import LndClient
from lightning.collector import LightningCollector, preimage_of, status_of
from lightning.outcomes import preimage_fits
from lightning.proto import lightning_pb2
from tests.lightning.world import PLATFORM, WALLETS, World, now
from transfers.collectors import collector as configured
from transfers.errors import CollectorUnavailable
from transfers.models import Collection
from transfers.services.collections import sweep_collections
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection

DUE_MSAT = 10_000_000
NOTHING = CollectionStatus(state="open", received=msat(0), proof="", settled_at=None)
GONE = CollectionStatus(state="cancelled", received=msat(0), proof="", settled_at=None)
_ids = itertools.count(1)


def answer_of(node_pubkey: str, status: CollectionStatus) -> CollectionStatus:
    """Return the status with this node as its source."""
    return replace(status, source=node_pubkey)


def request(collection_id: int | None = None, *, amount_msat: int = DUE_MSAT) -> CollectionRequest:
    return CollectionRequest(collection_id or next(_ids), msat(amount_msat), "contribution", 3_600)


def opened(collector: LightningCollector, made_for: CollectionRequest | None = None) -> OpenedCollection:
    return collector.open(made_for or request(), now=now())


def test_open_creates_an_invoice_of_our_node(
    world: World, collector: LightningCollector, our_pubkey: str
) -> None:
    wanted = request()
    made = opened(collector, wanted)
    invoice = decode(made.payment_request)
    assert (
        made.reference == invoice.payment_hash.hex() == sha256(preimage_of(wanted.collection_id)).hexdigest()
    )
    assert (invoice.amount_msat, invoice.description, invoice.expiry_seconds) == (
        DUE_MSAT,
        "contribution",
        3_600,
    )
    assert (invoice.payee.hex(), invoice.network) == (our_pubkey, "bcrt")
    assert (made.expires_at, made.checkout_url) == (invoice.expires_at, "")
    assert made.source == our_pubkey
    assert collector.find(made.reference) == answer_of(our_pubkey, NOTHING)


def test_open_again_returns_the_same_invoice(world: World, collector: LightningCollector) -> None:
    wanted = request()
    assert opened(collector, wanted) == opened(collector, wanted)
    reference = sha256(preimage_of(wanted.collection_id)).hexdigest()
    assert [row["payment_hash"] for row in world.control.invoices(PLATFORM)].count(reference) == 1


def test_open_again_for_another_amount_is_unavailable(world: World, collector: LightningCollector) -> None:
    wanted = request()
    opened(collector, wanted)
    with pytest.raises(CollectorUnavailable):
        opened(collector, request(wanted.collection_id, amount_msat=DUE_MSAT + 1))


def test_preimage_differs_for_each_collection() -> None:
    assert len({preimage_of(number) for number in range(500)}) == 500
    assert all(len(preimage_of(number)) == 32 for number in range(5))


@pytest.mark.parametrize("extra_msat", [0, 1, 5_000_000])
def test_find_paid_credits_what_arrived(world: World, collector: LightningCollector, extra_msat: int) -> None:
    made = opened(collector)
    world.control.pay(WALLETS, made.payment_request, force_amount_msat=DUE_MSAT + extra_msat)
    status = collector.find(made.reference)
    assert (status.state, status.received) == ("settled", msat(DUE_MSAT + extra_msat))
    assert preimage_fits(made.reference, status.proof)
    assert status.settled_at is not None
    assert abs((status.settled_at - now()).total_seconds()) < 60


def test_find_underpaid_is_still_open(world: World, collector: LightningCollector, our_pubkey: str) -> None:
    made = opened(collector)
    assert (
        world.control.pay(WALLETS, made.payment_request, force_amount_msat=DUE_MSAT - 1)["status"] == "FAILED"
    )
    assert collector.find(made.reference) == answer_of(our_pubkey, NOTHING)


def test_find_expired_is_cancelled(world: World, collector: LightningCollector, our_pubkey: str) -> None:
    made, gone = opened(collector), answer_of(our_pubkey, GONE)
    world.control.set_clock(advance_seconds=3_700)
    ends = now().timestamp() + 5
    while collector.find(made.reference) != gone and now().timestamp() < ends:
        pass
    assert collector.find(made.reference) == gone


def test_find_unknown_is_cancelled_with_the_node_as_source(
    collector: LightningCollector, world: World, our_pubkey: str
) -> None:
    """Nodes may drop cancelled invoices; `transfers` accepts it only from the node that made it."""
    assert collector.find("ab" * 32) == answer_of(our_pubkey, GONE)
    made = opened(collector)
    other = LightningCollector(LndClient(world.access("invoicing", node=WALLETS)))
    their_pubkey = world.process.node(WALLETS).pubkey
    assert other.find(made.reference) == other.cancel(made.reference) == answer_of(their_pubkey, GONE)
    assert collector.find(made.reference) == answer_of(our_pubkey, NOTHING)


def test_reference_of_collection_is_known_before_its_invoice(
    collector: LightningCollector, world: World, our_pubkey: str
) -> None:
    wanted = request()
    reference = collector.reference_of(wanted.collection_id)
    assert collector.cancel(reference) == answer_of(our_pubkey, GONE)
    assert opened(collector, wanted).reference == reference


@pytest.fixture
def as_configured(world: World, settings: Settings) -> Iterator[None]:
    """Connect the collector of the settings to the simulated node."""
    access = world.access("invoicing")
    settings.LND_HOST, settings.LND_TLS_CERT_PATH = access.host, access.tls_cert_path
    settings.LND_INVOICING_MACAROON_PATH = access.macaroon_path
    configured.cache_clear()
    yield
    configured.cache_clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("as_configured")
def test_sweep_collection_unknown_to_the_node_stays_open_until_it_expires() -> None:
    """The node that answers may not be the one that made the invoice."""
    moment = now()
    row = Collection.objects.create(
        subject="contribution:1", method="lightning", state="open", currency="msat", amount=DUE_MSAT,
        due_currency="msat", due=DUE_MSAT, account_role="node", reference="ab" * 32,
        credit_role="group_pot", credit_owner="cycle:c", overpaid_role="member_credit", overpaid_owner="user:u",
        requested_at=moment, expires_at=moment + timedelta(hours=1), ask_at=moment,
    )  # fmt: skip

    assert sweep_collections(now=moment) == 1
    row.refresh_from_db()
    assert (row.state, row.ask_at) == ("open", moment + timedelta(minutes=5))

    assert sweep_collections(now=moment + timedelta(hours=1, minutes=2)) == 1
    row.refresh_from_db()
    assert row.state == "expired"


def test_cancel_open_invoice_is_cancelled(
    world: World, collector: LightningCollector, our_pubkey: str
) -> None:
    made = opened(collector)
    assert collector.cancel(made.reference) == answer_of(our_pubkey, GONE)
    assert collector.cancel(made.reference) == answer_of(our_pubkey, GONE)
    assert world.control.pay(WALLETS, made.payment_request)["status"] == "FAILED"


def test_cancel_paid_invoice_returns_what_arrived(world: World, collector: LightningCollector) -> None:
    made = opened(collector)
    world.control.pay(WALLETS, made.payment_request)
    status = collector.cancel(made.reference)
    assert (status.state, status.received) == ("settled", msat(DUE_MSAT))


def test_cancel_unknown_is_cancelled(world: World, collector: LightningCollector, our_pubkey: str) -> None:
    assert collector.cancel("cd" * 32) == answer_of(our_pubkey, GONE)


def test_every_call_without_node_is_unavailable(world: World, collector: LightningCollector) -> None:
    world.control.stop_serving(PLATFORM)
    with pytest.raises(CollectorUnavailable):
        opened(collector)
    with pytest.raises(CollectorUnavailable):
        collector.find("ab" * 32)
    with pytest.raises(CollectorUnavailable):
        collector.cancel("ab" * 32)


def test_every_call_without_permission_is_unavailable(world: World, tmp_path: Path) -> None:
    narrow = world.control.bake_macaroon(PLATFORM, [("info", "read")])
    reader = LightningCollector(LndClient(world.access_with(narrow, tmp_path)))
    for ask in (lambda: opened(reader), lambda: reader.find("ab" * 32), lambda: reader.cancel("ab" * 32)):
        with pytest.raises(CollectorUnavailable):
            ask()


@pytest.mark.parametrize("is_foreign", [False, True], ids=["truncated", "of another node"])
def test_every_call_with_an_unusable_macaroon_is_unavailable_and_names_it(
    world: World, tmp_path: Path, is_foreign: bool
) -> None:
    """An invoice of which nobody asked the node is not cancelled."""
    path = world.process.node(WALLETS if is_foreign else PLATFORM).macaroon_paths["invoicing"]
    unusable = path.read_bytes()[: None if is_foreign else -1].hex()
    refused = LightningCollector(LndClient(world.access_with(unusable, tmp_path)))
    for ask in (lambda: opened(refused), lambda: refused.find("ab" * 32), lambda: refused.cancel("ab" * 32)):
        with pytest.raises(CollectorUnavailable, match="the invoicing macaroon: "):
            ask()


def test_open_refused_by_the_node_is_unavailable(world: World, collector: LightningCollector) -> None:
    with pytest.raises(CollectorUnavailable) as refused:
        opened(collector, CollectionRequest(next(_ids), msat(DUE_MSAT), "m" * 1_025, 3_600))
    assert "memo" in refused.value.facts["detail"]


@pytest.mark.parametrize("number", [lightning_pb2.Invoice.OPEN, lightning_pb2.Invoice.ACCEPTED, 17])
def test_status_of_unfinished_or_unknown_state_is_open(number: Any) -> None:
    assert status_of(lightning_pb2.Invoice(state=number, amt_paid_msat=5), "ab" * 32) == NOTHING


def test_status_of_settled_without_its_preimage_is_not_credited() -> None:
    settled = lightning_pb2.Invoice(
        state=lightning_pb2.Invoice.SETTLED, amt_paid_msat=5, r_preimage=bytes(32)
    )
    with pytest.raises(CollectorUnavailable):
        status_of(settled, "ab" * 32)
