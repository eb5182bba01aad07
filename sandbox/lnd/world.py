"""The simulated world: its nodes, their money, one lock, one clock, one memory."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from coincurve import PrivateKey

from sandbox.lnd import macaroons
from sandbox.lnd.clock import Clock, ClockReading
from sandbox.lnd.errors import ControlRefused, Refusal
from sandbox.lnd.faults import CallFaults, Gates, ScriptBook
from sandbox.lnd.invoices import InvoiceBook
from sandbox.lnd.payments import INSUFFICIENT_BALANCE, NO_ROUTE, PaymentBook
from sandbox.lnd.rows import HtlcRow, InvoiceRow, NodeRow, PaymentRow, SettingRow, TallyRow
from sandbox.lnd.store import Store
from sandbox.lnd.tls import ensure_certificate

PREFIXES = {"mainnet": "bc", "testnet": "tb", "signet": "tbs", "regtest": "bcrt", "simnet": "sb"}  # BOLT 11
EXPIRY_PERIOD_SECONDS = 0.25
PPM = 1_000_000


@dataclass
class NodeOptions:
    """How a node presents itself; changed through the control port, kept through restarts."""

    alias: str = ""
    version: str = "0.20.1-beta"
    payment_store: str = "kv"  # or "sql": how duplicates are worded
    wallet_state: str = "SERVER_ACTIVE"
    use_status_initiated: bool = False
    keep_failed_payment_attempts: bool = False
    synced_to_chain: bool = True
    synced_to_graph: bool = True
    shown_network: str = ""  # GetInfo says another network
    shown_pubkey: str = ""  # GetInfo says another node
    probe_seconds: float = 0

    @property
    def minor(self) -> int:
        """Return the 17 of 0.17.5-beta: what changed between releases changed with it."""
        return int(self.version.split(".")[1])


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """What a node starts its life with; later starts read the stored row."""

    name: str
    local_msat: int
    remote_msat: int
    reserve_msat: int
    fee_base_msat: int
    fee_ppm: int


class Node:
    def __init__(self, world: World, row: NodeRow) -> None:
        self.world = world
        self.row = row
        self.options = NodeOptions(**row.options)  # type: ignore[arg-type]
        self.pubkey = PrivateKey(row.private_key).public_key.format()
        self.folder = world.folder / row.name
        self.call_faults = CallFaults()
        self.last_index_at_start = row.last_payment_index
        store = world.store
        self.invoices = InvoiceBook(self, _of(row.name, store.load(InvoiceRow)))
        self.payments = PaymentBook(
            self,
            _of(row.name, store.load(PaymentRow)),
            _of(row.name, store.load(HtlcRow)),
            _of(row.name, store.load(TallyRow)),
        )

    def fee_msat(self, value_msat: int) -> int:
        """Price a route. Rounding: down, as a forwarding node computes its fee (BOLT 7)."""
        return self.row.fee_base_msat + value_msat * self.row.fee_ppm // PPM

    def obstacle(self, payment: PaymentRow, fee_msat: int) -> int:
        """Return the reason why no HTLC can leave, or 0."""
        receiver, spendable_msat = (
            self.world.node_of(payment.payee),
            self.row.local_msat - self.row.reserve_msat,
        )
        if payment.value_msat > spendable_msat:
            return INSUFFICIENT_BALANCE
        if receiver is None or receiver.row.remote_msat < payment.value_msat:
            return NO_ROUTE
        if fee_msat > payment.fee_limit_msat or payment.value_msat + fee_msat > spendable_msat:
            return NO_ROUTE
        return 0

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
        """Leave the certificate and the macaroons where a client finds them; existing ones stay valid."""
        self.folder.mkdir(exist_ok=True)
        ensure_certificate(self.folder)
        for name, permissions in macaroons.BAKED.items():
            path = self.folder / f"{name}.macaroon"
            if not path.exists():
                path.write_bytes(
                    macaroons.serialized(macaroons.mint(self.row.macaroon_root_key, permissions))
                )

    def close_streams(self, refusal: Refusal | None) -> None:
        for feed in (self.payments.feed, self.invoices.changed, self.invoices.added_or_settled):
            feed.close(refusal)


class World:
    """Opening it loads what is stored; `start` resumes what was open."""

    def __init__(self, folder: Path, *, network: str, nodes: Iterable[NodeConfig]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.network, self.prefix = folder, network, PREFIXES[network]
        self.lock = threading.RLock()
        self.store = Store(folder / "world.sqlite3")
        self.clock = Clock(_stored_reading(self.store))
        self.gates = Gates(self.clock)
        self.scripts = ScriptBook(self.store)
        self._stored = {row.name: row for row in self.store.load(NodeRow)}
        self.nodes = {config.name: self._open_node(config) for config in nodes}
        self._by_pubkey = {node.pubkey: node for node in self.nodes.values()}
        self._stopped = threading.Event()

    @property
    def closing(self) -> bool:
        return self._stopped.is_set()

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
