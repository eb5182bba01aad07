"""Receiving at the simulated node around the expiry: accepted, settled late, cancelled, on another node."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import pytest
from pytest_django import Settings

from ledger.enums import AccountRole, Currency
from ledger.queries import owed
from ledger.types import AccountRef, msat
from lightning.client import LndClient
from lightning.collector import LightningCollector, preimage_of
from lightning.proto import methods
from lightning.services import record_settlement
from sunusav.core.actors import Actor
from tests.lightning.world import PLATFORM, WALLETS, World, now
from tests.sandbox.lnd.wire import Wire
from tests.support.lightning import settings_of
from tests.support.locks import PATIENCE_SECONDS
from transfers.collectors import collector
from transfers.errors import CollectionAnsweredElsewhere, CollectionSettled
from transfers.models import Collection, Receipt
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import open_collection, reconcile_collection
from transfers.types import CollectionFacts

pytestmark = pytest.mark.django_db

DUE_MSAT = 10_000_000
CREDIT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:received")
OVERPAID = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "user:awa")
BY = Actor.system("test")
DAY_LATER = timedelta(days=1, hours=1)
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def our_node(world: World, settings: Settings) -> Iterator[None]:
    for name, value in settings_of(world.process).items():
        setattr(settings, name, value)
    settings.INVOICE_PREIMAGE_KEY = f"{next(_numbers) + 0xFACE0000:064x}"
    collector.cache_clear()
    yield
    collector.cache_clear()


def opened() -> CollectionFacts:
    return open_collection(
        subject="test:1", due=msat(DUE_MSAT), method="lightning", credit=CREDIT, overpaid=OVERPAID,
        memo="contribution", actor=BY, now=now(),
    )  # fmt: skip


def stored() -> Collection:
    return Collection.objects.get()


@pytest.fixture
def accepted(world: World) -> Iterator[Collection]:
    """A collection whose payment has arrived but is not settled: ACCEPTED, as when parts of it are still missing."""
    platform, wallets = (Wire(world.process.node(node)) for node in (PLATFORM, WALLETS))
    moment = now()
    row = Collection.objects.create(
        subject="test:1", method="lightning", state="open", currency="msat", amount=DUE_MSAT, due_currency="msat",
        due=DUE_MSAT, account_role="node", credit_role=CREDIT.role,
        credit_owner=CREDIT.owner, overpaid_role=OVERPAID.role, overpaid_owner=OVERPAID.owner,
        source=world.process.node(PLATFORM).pubkey, requested_at=moment, expires_at=moment + timedelta(hours=24),
        reference="pending", ask_at=moment,
    )  # fmt: skip
    payment_hash = sha256(preimage_of(row.pk)).digest()
    Collection.objects.filter(pk=row.pk).update(reference=payment_hash.hex())
    held = platform.call(methods.ADD_HOLD_INVOICE, hash=payment_hash, value_msat=DUE_MSAT, expiry=86_400)
    stream = wallets.start(held.payment_request)
    wait_accepted(platform, payment_hash)
    yield Collection.objects.get(pk=row.pk)
    stream.cancel()


def wait_accepted(node: Wire, payment_hash: bytes) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while node.call(methods.LOOKUP_INVOICE, r_hash=payment_hash).state != 3:
        assert time.monotonic() < ends, "not accepted"
        time.sleep(0.02)


def test_accepted_payment_is_not_credited_and_stays_open_past_its_expiry(
    world: World, accepted: Collection
) -> None:
    """The node decides which came first: wait for its final state instead of comparing clocks."""
    world.control.set_clock(advance_seconds=int(DAY_LATER.total_seconds()))

    reconcile_collection(accepted.pk, now=now(DAY_LATER))

    assert (stored().state, stored().trouble, Receipt.objects.count()) == ("open", "", 0)
    assert stored().ask_at is not None


def test_payment_settled_after_the_expiry_is_credited_in_full_once(
    world: World, accepted: Collection
) -> None:
    world.control.set_clock(advance_seconds=int(DAY_LATER.total_seconds()))
    reconcile_collection(accepted.pk, now=now(DAY_LATER))
    platform = Wire(world.process.node(PLATFORM))
    platform.call(methods.SETTLE_INVOICE, preimage=preimage_of(accepted.pk))

    settled = LndClient(world.access("invoicing")).lookup_invoice(bytes.fromhex(str(accepted.reference)))
    for _ in range(2):
        reconcile_collection(accepted.pk, now=now(DAY_LATER))
        record_settlement(settled, now=now(DAY_LATER))

    assert (stored().state, owed(CREDIT), owed(OVERPAID)) == ("settled", DUE_MSAT, 0)
    assert Receipt.objects.count() == 1


def test_cancel_accepted_payment_returns_it_to_the_payer(world: World, accepted: Collection) -> None:
    assert cancel_collection(collection_id=accepted.pk, actor=BY, reason="x", now=now()).state == "cancelled"
    ends = time.monotonic() + PATIENCE_SECONDS
    while world.control.payments_of(WALLETS, str(accepted.reference))[-1]["status"] != "FAILED":
        assert time.monotonic() < ends, "the payer did not get it back"
        time.sleep(0.02)
    assert owed(CREDIT) == owed(OVERPAID) == 0


def test_overpayment_found_after_our_expiry_pays_the_due_and_credits_the_rest(world: World) -> None:
    """Paid in time by the node's clock; our sweep finds it a day later."""
    facts = opened()
    paid = world.control.pay(WALLETS, facts.payment_request, force_amount_msat=DUE_MSAT + 5_000)
    assert paid["status"] == "SUCCEEDED"

    reconcile_collection(facts.id, now=now(DAY_LATER))

    assert (stored().state, owed(CREDIT), owed(OVERPAID)) == ("settled", DUE_MSAT, 5_000)


def test_cancelled_invoice_cannot_be_paid_and_another_can_be_opened(world: World) -> None:
    facts = opened()

    cancel_collection(collection_id=facts.id, actor=BY, reason="x", now=now())

    assert world.control.pay(WALLETS, facts.payment_request)["status"] == "FAILED"
    assert stored().state == "cancelled"
    assert opened().reference != facts.reference


def test_cancel_paid_invoice_books_the_payment(world: World) -> None:
    facts = opened()
    world.control.pay(WALLETS, facts.payment_request)
    with pytest.raises(CollectionSettled):
        cancel_collection(collection_id=facts.id, actor=BY, reason="x", now=now())
    assert (stored().state, owed(CREDIT)) == ("settled", DUE_MSAT)


def test_sweep_on_another_node_neither_expires_nor_cancels_unknown_invoices(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator configures another node; money paid at the first one is found when it is configured again."""
    facts = opened()
    ours = world.process.node(PLATFORM).pubkey
    assert stored().source == ours
    world.control.pay(WALLETS, facts.payment_request)
    exchanged = LightningCollector(LndClient(world.access("invoicing", node=WALLETS)))
    monkeypatch.setattr(collector("lightning"), "_client", exchanged._client)

    reconcile_collection(facts.id, now=now(DAY_LATER))
    assert (stored().state, stored().trouble) == ("open", "answered_elsewhere")
    with pytest.raises(CollectionAnsweredElsewhere) as refused:
        cancel_collection(collection_id=facts.id, actor=BY, reason="x", now=now(DAY_LATER))
    assert refused.value.facts == {
        "collection_id": facts.id, "asked_of": ours, "answered_by": world.process.node(WALLETS).pubkey,
    }  # fmt: skip

    collector.cache_clear()
    reconcile_collection(facts.id, now=now(DAY_LATER))
    assert (stored().state, stored().trouble, owed(CREDIT)) == ("settled", "", DUE_MSAT)
