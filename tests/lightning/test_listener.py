"""The listener records settlements of the node: live, after a restart, and each once."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from ledger.enums import AccountRole, Currency
from ledger.queries import owed
from ledger.types import AccountRef, msat
from lightning.client import LndClient
from lightning.listener import Listener
from lightning.models import ListenerCursor
from lightning.services import move_cursor, open_cursor, record_settlement_at_cursor
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.lightning.world import PLATFORM, WALLETS, World, now
from tests.support.locks import PATIENCE_SECONDS
from transfers.collectors import collector
from transfers.models import Collection, Receipt
from transfers.services.collections import open_collection
from transfers.types import CollectionFacts

ROOT = Path(__file__).resolve().parents[2]
DUE_SATS = 10_000
CREDIT = AccountRef(AccountRole.CONTRIBUTION_CLEARING, Currency.MSAT, "cycle:listened")
OVERPAID = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "user:awa")
_numbers = itertools.count(1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def our_node(world: World, settings: Settings) -> Iterator[None]:
    """Connect the collector of the settings to the simulated node."""
    access = world.access("invoicing")
    settings.LND_HOST, settings.LND_TLS_CERT_PATH = access.host, access.tls_cert_path
    settings.LND_INVOICING_MACAROON_PATH = access.macaroon_path
    # Every new database starts at collection 1; a new key gives these collections new invoices.
    settings.INVOICE_PREIMAGE_KEY = f"{next(_numbers):064x}"
    collector.cache_clear()
    yield
    collector.cache_clear()


def opened() -> CollectionFacts:
    return open_collection(
        subject=f"test:{next(_numbers)}",
        due=msat(DUE_SATS * 1_000),
        method="lightning",
        credit=CREDIT,
        overpaid=OVERPAID,
        memo="contribution",
        actor=Actor.system("test"),
        now=now(),
    )


def pay(world: World, facts: CollectionFacts, *, extra_msat: int = 0) -> None:
    paid = world.control.pay(
        WALLETS, facts.payment_request, force_amount_msat=facts.amount.amount + extra_msat
    )
    assert paid["status"] == "SUCCEEDED"


def is_settled(facts: CollectionFacts) -> bool:
    return Collection.objects.get(pk=facts.id).state == "settled"


def listen_until(
    world: World,
    done: Callable[[], bool],
    *,
    act: Callable[[], object] = lambda: None,
    client: LndClient | None = None,
) -> None:
    """Run the listener until `done()`; start it again when it stopped too early."""
    client = client or LndClient(world.access("invoicing"))
    for _ in range(20):
        stop = threading.Event()
        threading.Thread(target=_act_then_stop, args=(act, stop), daemon=True).start()
        Listener(client, clock=clock.now, stop=stop).run()
        act = lambda: None  # noqa: E731 - once
        if done():
            return
    raise AssertionError("not recorded")


def _act_then_stop(act: Callable[[], object], stop: threading.Event) -> None:
    time.sleep(0.2)
    act()
    time.sleep(0.5)
    stop.set()


def test_listener_running_books_a_payment(world: World) -> None:
    facts = opened()
    listen_until(world, lambda: is_settled(facts), act=lambda: pay(world, facts))
    receipt = Receipt.objects.get(collection_id=facts.id)
    assert (receipt.received, receipt.reference) == (facts.amount.amount, facts.reference)
    assert owed(CREDIT) == facts.amount.amount


def test_listener_restarted_books_missed_payments_once(world: World) -> None:
    first, second = opened(), opened()
    pay(world, first)
    listen_until(world, lambda: is_settled(first))
    pay(world, second, extra_msat=5_000)
    listen_until(world, lambda: is_settled(second))
    listen_until(world, lambda: True)
    assert Receipt.objects.count() == 2
    assert owed(CREDIT) == 2 * DUE_SATS * 1_000
    assert owed(OVERPAID) == 5_000


def test_listener_with_new_cursor_books_earlier_payments(world: World) -> None:
    """A subscription from index 0 sends no backlog: the invoice list is read first."""
    facts = opened()
    pay(world, facts)
    assert not ListenerCursor.objects.exists()
    listen_until(world, lambda: is_settled(facts))
    cursor = ListenerCursor.objects.get(node_pubkey=world.process.node(PLATFORM).pubkey)
    assert cursor.settle_index > 0


def test_listener_ignores_invoices_that_are_not_ours(world: World) -> None:
    foreign = world.control.invoice(PLATFORM, 1_000_000)
    world.control.pay(WALLETS, foreign["payment_request"])
    facts = opened()
    pay(world, facts)
    listen_until(world, lambda: is_settled(facts))
    assert Receipt.objects.count() == 1


def test_listener_waits_for_an_unreachable_node(world: World) -> None:
    facts = opened()
    pay(world, facts)

    def away_then_back() -> None:
        world.control.stop_serving(PLATFORM, goodbye=True)
        world.control.start_serving(PLATFORM)

    listen_until(world, lambda: is_settled(facts), act=away_then_back)


def test_listener_with_a_truncated_macaroon_waits_until_it_is_corrected(world: World, tmp_path: Path) -> None:
    good = world.process.node(PLATFORM).macaroon_paths["invoicing"].read_bytes()
    file = tmp_path / "invoicing.macaroon"
    file.write_bytes(good[:-1])
    facts = opened()
    pay(world, facts)
    client = LndClient(world.access("invoicing", macaroon_path=str(file)))
    listen_until(world, lambda: is_settled(facts), act=lambda: file.write_bytes(good), client=client)


def settled_invoice(world: World, facts: CollectionFacts) -> Any:
    pay(world, facts)
    return LndClient(world.access("invoicing")).lookup_invoice(bytes.fromhex(facts.reference))


def test_record_settlement_moves_cursor_and_credit_together(world: World) -> None:
    pubkey = world.process.node(PLATFORM).pubkey
    invoice = settled_invoice(world, opened())
    open_cursor(pubkey)

    def lost_half_way() -> None:
        with transaction.atomic():
            record_settlement_at_cursor(invoice, node_pubkey=pubkey, now=now())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lost_half_way()
    assert (open_cursor(pubkey).settle_index, Receipt.objects.count()) == (0, 0)
    for _ in range(2):
        record_settlement_at_cursor(invoice, node_pubkey=pubkey, now=now())
    assert (open_cursor(pubkey).settle_index, Receipt.objects.count()) == (invoice.settle_index, 1)


def unreadable(invoice: Any) -> Any:
    """Return the invoice with a moment that no calendar has: recording it fails, as a bug of ours would."""
    invoice.settle_date = 10**14
    return invoice


def test_record_settlement_that_fails_leaves_the_cursor(world: World) -> None:
    pubkey = world.process.node(PLATFORM).pubkey
    invoice = unreadable(settled_invoice(world, opened()))
    open_cursor(pubkey)

    with pytest.raises(ValueError, match="out of range"):
        record_settlement_at_cursor(invoice, node_pubkey=pubkey, now=now())

    assert (open_cursor(pubkey).settle_index, Receipt.objects.count()) == (0, 0)


class Replay:
    """A client of a node that reports these settlements, first in its list of invoices, then in its stream."""

    def __init__(
        self,
        pubkey: str,
        *,
        listed: Sequence[Any] = (),
        streamed: Sequence[Any] = (),
        on_subscribe: Callable[[], None] = lambda: None,
    ) -> None:
        self.identity_pubkey, self.invoices, self._streamed = pubkey, listed, streamed
        self._on_subscribe = on_subscribe

    def get_info(self) -> Replay:
        return self

    def list_newest_invoices(self, **_: int) -> Replay:
        return self

    @contextmanager
    def subscribe_invoices(self, *, settle_index: int) -> Iterator[Replay]:
        self._on_subscribe()
        yield self

    def __iter__(self) -> Iterator[Any]:
        return iter(self._streamed)

    def cancel(self) -> None:
        """Do nothing: the stream ends by itself."""


def test_listener_that_fails_at_a_settlement_leaves_the_cursor_before_it(world: World) -> None:
    pubkey = world.process.node(PLATFORM).pubkey
    first, second = (settled_invoice(world, opened()) for _ in range(2))
    open_cursor(pubkey)
    move_cursor(pubkey, settle_index=first.settle_index - 1, now=now())
    client = Replay(pubkey, streamed=[first, unreadable(second)])

    with pytest.raises(ValueError, match="out of range"):
        Listener(client, clock=clock.now, stop=threading.Event()).run()  # type: ignore[arg-type]

    assert open_cursor(pubkey).settle_index == first.settle_index
    assert list(Receipt.objects.values_list("reference", flat=True)) == [first.r_hash.hex()]


@pytest.mark.parametrize("interrupted_at", [1, 2, 3, 4])
@pytest.mark.parametrize("cursor_at", ["zero", "newest"])
def test_listener_interrupted_while_it_reads_earlier_settlements_reads_them_again(
    world: World, interrupted_at: int, cursor_at: str
) -> None:
    """The database goes away once, at each step; before it subscribes, the same run has booked every settlement."""
    pubkey = world.process.node(PLATFORM).pubkey
    listed = [settled_invoice(world, opened()) for _ in range(2)]
    newest = max(invoice.settle_index for invoice in listed)
    open_cursor(pubkey)
    move_cursor(pubkey, settle_index=newest if cursor_at == "newest" else 0, now=now())
    steps, stop = itertools.count(1), threading.Event()

    def clock_that_fails_once() -> Any:
        if next(steps) == interrupted_at:
            raise OperationalError("the database went away")
        return clock.now()

    client = Replay(pubkey, listed=listed, on_subscribe=stop.set)
    Listener(client, clock=clock_that_fails_once, stop=stop).run()  # type: ignore[arg-type]

    booked = set(Receipt.objects.values_list("reference", flat=True))
    assert booked == {invoice.r_hash.hex() for invoice in listed}
    assert open_cursor(pubkey).settle_index == newest


def test_record_settlement_without_proof_is_not_credited(world: World) -> None:
    facts = opened()
    invoice = settled_invoice(world, facts)
    invoice.r_preimage = bytes(32)
    record_settlement_at_cursor(invoice, node_pubkey="02", now=now())
    assert not is_settled(facts)
    assert not Receipt.objects.exists()


def test_move_cursor_to_lower_index_changes_nothing() -> None:
    open_cursor("02")
    for settle_index in (5, 3, 5):
        move_cursor("02", settle_index=settle_index, now=now())
    assert open_cursor("02").settle_index == 5


@pytest.fixture
def command(world: World) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start `manage.py listen_invoices` on the test database; stop the processes that still run."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        access = world.access("invoicing")
        given = {
            "LND_HOST": access.host,
            "LND_TLS_CERT_PATH": access.tls_cert_path,
            "LND_INVOICING_MACAROON_PATH": access.macaroon_path,
            "GRPC_VERBOSITY": "NONE",
        }
        started.append(_spawn(given))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def _spawn(given: dict[str, str]) -> subprocess.Popen[bytes]:
    database = connection.settings_dict
    server = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    environment = {
        **os.environ,
        **given,
        "MONETIZATION_DATABASE_URL": f"mysql://{server}/{database['NAME']}",
        "DJANGO_SETTINGS_MODULE": "sunusav.settings.test",
    }
    return subprocess.Popen([sys.executable, "manage.py", "listen_invoices"], cwd=ROOT, env=environment)


def wait_until(done: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < ends, "not recorded in time"
        time.sleep(0.05)


@pytest.mark.mariadb
@pytest.mark.slow
def test_listen_invoices_after_a_kill_books_missed_payments_and_stops_on_sigterm(
    world: World, command: Callable[[], subprocess.Popen[bytes]]
) -> None:
    before, live, after = opened(), opened(), opened()
    pay(world, before)
    process = command()
    wait_until(lambda: is_settled(before))
    pay(world, live)
    wait_until(lambda: is_settled(live))
    process.kill()
    process.wait()
    pay(world, after)
    process = command()
    wait_until(lambda: is_settled(after))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert owed(CREDIT) == 3 * DUE_SATS * 1_000
