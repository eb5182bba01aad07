"""The simulated world: it opens the nodes and connects the payments of one to the invoices of another."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from coincurve import PrivateKey

from lightning.macaroons import read_macaroon, serialized
from sandbox.lnd import macaroons
from sandbox.lnd.clock import Clock, ClockReading
from sandbox.lnd.errors import ControlRefused, Refusal
from sandbox.lnd.faults import CallFaults, Gates, ScriptBook
from sandbox.lnd.invoices import InvoiceBook
from sandbox.lnd.node_state import NodeOptions, NodeState, SharedState
from sandbox.lnd.payments import PaymentBook
from sandbox.lnd.rows import HtlcRow, InvoiceRow, NodeRow, PaymentRow, SettingRow, TallyRow
from sandbox.lnd.store import Store
from sandbox.lnd.tls import ensure_certificate

PREFIXES = {"mainnet": "bc", "testnet": "tb", "signet": "tbs", "regtest": "bcrt", "simnet": "sb"}  # BOLT 11
EXPIRY_PERIOD_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """The values of a node's first start; later starts read the stored row."""

    name: str
    local_msat: int
    remote_msat: int
    reserve_msat: int
    fee_base_msat: int
    fee_ppm: int
    direct: bool = False


class Node(NodeState):
    def __init__(self, world: World, row: NodeRow) -> None:
        super().__init__(row, NodeOptions(**row.options), world)  # type: ignore[arg-type]
        self.world = world
        self.pubkey = PrivateKey(row.private_key).public_key.format()
        self.folder = world.folder / row.name
        self.call_faults = CallFaults()
        store = world.store
        self.invoices = InvoiceBook(self, _of(row.name, store.load(InvoiceRow)), payer_of=self._payer_of)
        self.payments = PaymentBook(
            self,
            _of(row.name, store.load(PaymentRow)),
            _of(row.name, store.load(HtlcRow)),
            _of(row.name, store.load(TallyRow)),
            receiver_of=self._receiver_of,
        )

    def _payer_of(self, invoice: InvoiceRow) -> PaymentBook:
        return self.world.nodes[invoice.payer].payments

    def _receiver_of(self, payment: PaymentRow) -> InvoiceBook | None:
        node = self.world.node_of(payment.payee)
        return None if node is None else node.invoices

    def change_options(self, changes: dict[str, object]) -> None:
        unknown = set(changes) - {option.name for option in fields(NodeOptions)}
        if unknown:
            raise ControlRefused(f"unknown options: {', '.join(sorted(unknown))}")
        if not re.match(r"0\.\d+\.", str(changes.get("version", self.options.version))):
            raise ControlRefused(f"a version reads like 0.20.1-beta, not {changes['version']}")
        with self.world.lock:
            self.options = NodeOptions(**{**asdict(self.options), **changes})
            self.row.options = asdict(self.options)
            self.world.store.save(self.row)

    def write_credentials(self) -> None:
        """Write the certificate and the macaroons for clients to read; existing ones stay valid.

        A macaroon of an earlier release, with other permissions, is replaced.
        """
        self.folder.mkdir(exist_ok=True)
        ensure_certificate(self.folder)
        for name, permissions in macaroons.BAKED.items():
            path = self.folder / f"{name}.macaroon"
            if not path.exists() or read_macaroon(path.read_bytes()).granted() != set(permissions):
                path.write_bytes(serialized(macaroons.mint(self.row.macaroon_root_key, permissions)))

    def close_streams(self, refusal: Refusal | None) -> None:
        for feed in (self.payments.feed, self.invoices.changed, self.invoices.added_or_settled):
            feed.close(refusal)


class World(SharedState):
    """Load the stored rows when opened; `start` resumes the payments that were open."""

    def __init__(self, folder: Path, *, network: str, nodes: Iterable[NodeConfig]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(folder / "world.sqlite3")
        clock = Clock(_stored_reading(store))
        super().__init__(PREFIXES[network], store, clock, Gates(clock))
        self.folder, self.network = folder, network
        self.scripts = ScriptBook(self.store)
        self._stored = {row.name: row for row in self.store.load(NodeRow)}
        self.nodes = {config.name: self._open_node(config) for config in nodes}
        self._by_pubkey = {node.pubkey: node for node in self.nodes.values()}
        self._stopped = threading.Event()

    def node(self, name: str) -> Node:
        try:
            return self.nodes[name]
        except KeyError as error:
            raise ControlRefused(f"no node {name}") from error

    def node_of(self, pubkey: bytes) -> Node | None:
        return self._by_pubkey.get(pubkey)

    def set_clock(self, reading: ClockReading) -> None:
        with self.lock:
            self.store.save(SettingRow("clock", asdict(reading)))
        self.clock.set(reading)

    def start(self) -> None:
        for node in self.nodes.values():
            node.write_credentials()
            for payment in [row for row in node.payments.rows.values() if row.is_open]:
                node.payments.resume(payment)
        threading.Thread(target=self._expire_invoices, name="expiry", daemon=True).start()

    def close(self) -> None:
        self._stopped.set()
        self.gates.closing = True
        self.clock.wake_sleepers()
        with self.lock:
            self.store.close()

    def _open_node(self, config: NodeConfig) -> Node:
        row = self._stored.get(config.name)
        if row is None:
            row = NodeRow(
                name=config.name,
                private_key=secrets.token_bytes(32),
                macaroon_root_key=secrets.token_bytes(32),
                local_msat=config.local_msat,
                remote_msat=config.remote_msat,
                reserve_msat=config.reserve_msat,
                fee_base_msat=config.fee_base_msat,
                fee_ppm=config.fee_ppm,
                options={"direct": True} if config.direct else {},
            )
            self.store.save(row)
        return Node(self, row)

    def _expire_invoices(self) -> None:
        while not self._stopped.wait(EXPIRY_PERIOD_SECONDS):
            for node in self.nodes.values():
                node.invoices.cancel_expired()


def _of(name: str, rows: list) -> list:  # type: ignore[type-arg]
    return [row for row in rows if row.node == name]


def _stored_reading(store: Store) -> ClockReading:
    stored = {row.name: row.value for row in store.load(SettingRow)}.get("clock", {})
    return ClockReading(**stored)  # type: ignore[arg-type]
