"""What a node's invoices and payments work on: the node's row and options, and what all nodes of a world share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from sandbox.lnd.clock import Clock
from sandbox.lnd.faults import Gates
from sandbox.lnd.rows import NodeRow
from sandbox.lnd.store import Store

PPM = 1_000_000


@dataclass
class NodeOptions:
    """How a node presents itself; changed through the control port, kept through restarts."""

    alias: str = ""
    version: str = "0.21.2-beta"
    payment_store: str = "kv"  # or "sql": the text of a refused duplicate differs
    wallet_state: str = "SERVER_ACTIVE"
    use_status_initiated: bool = False
    keep_failed_payment_attempts: bool = False
    synced_to_chain: bool = True
    synced_to_graph: bool = True
    shown_network: str = ""  # GetInfo names this network instead of the real one
    shown_pubkey: str = ""  # GetInfo names this key instead of the real one
    probe_seconds: float = 0
    direct: bool = False  # a channel with each payee: routes have one hop and cost nothing
    checks_macaroons: bool = True  # False: as with --no-macaroons
    inactive_msat: int = 0  # our balance in a second channel, whose peer is not connected; 0: no such channel

    @property
    def minor(self) -> int:
        """Return the 17 of 0.17.5-beta: LND's behaviour differs by this number."""
        return int(self.version.split(".")[1])


@dataclass
class SharedState:
    """What all nodes of one world share. Rows change only while `lock` is held."""

    prefix: str
    store: Store
    clock: Clock
    gates: Gates
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def closing(self) -> bool:
        return self.gates.closing


@dataclass
class NodeState:
    row: NodeRow
    options: NodeOptions
    shared: SharedState

    def __post_init__(self) -> None:
        self.last_index_at_start = self.row.last_payment_index

    def fee_msat(self, value_msat: int) -> int:
        """Price a route. Rounding: down, as a forwarding node computes its fee (BOLT 7)."""
        if self.options.direct:
            return 0
        return self.row.fee_base_msat + value_msat * self.row.fee_ppm // PPM
