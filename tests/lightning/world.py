"""Helpers of the tests that use the simulated world."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.types import msat
from lightning.client import LndClient, NodeAccess, NodeError
from sandbox.lnd.control import Control, Record
from sandbox.lnd.process import SimulatorProcess
from sunusav.core import clock
from sunusav.core.deadlines import Deadline, boottime_ns
from tests.support.locks import PATIENCE_SECONDS
from transfers.types import Destination, Instruction

PLATFORM, WALLETS = "platform", "wallets"
NET_MSAT = 99_500_000
PLENTY_MSAT = 10_000_000_000
CALM_MONEY = {
    "local_msat": PLENTY_MSAT,
    "remote_msat": PLENTY_MSAT,
    "reserve_msat": 0,
    "fee_base_msat": 1_000,
    "fee_ppm": 100,
}
CALM_OPTIONS: dict[str, Any] = {
    "version": "0.20.1-beta",
    "payment_store": "kv",
    "wallet_state": "SERVER_ACTIVE",
    "use_status_initiated": False,
    "keep_failed_payment_attempts": False,
    "synced_to_chain": True,
    "synced_to_graph": True,
    "shown_network": "",
    "shown_pubkey": "",
    "checks_macaroons": True,
    "inactive_msat": 0,
}


class World:
    def __init__(self, process: SimulatorProcess) -> None:
        self.process = process

    @property
    def control(self) -> Control:
        return self.process.control

    def calm(self) -> None:
        self.control.set_clock()
        for node in (PLATFORM, WALLETS):
            self.control.start_serving(node)
            self.control.clear_scripts(node)
            self.control.release(node)
            self.control.set_options(node, **CALM_OPTIONS)
            self.control.set_money(node, **CALM_MONEY)
        self.wait_until_reached()

    def wait_until_reached(self) -> None:
        """Wait until this process's channel has reconnected: gRPC pauses between its attempts."""
        client, ends = LndClient(self.access("readonly")), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            try:
                client.get_state()
            except NodeError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the node is not reached again")

    def access(self, macaroon: str, *, node: str = PLATFORM, **changes: Any) -> NodeAccess:
        address = self.process.node(node)
        facts: dict[str, Any] = {
            "host": address.target,
            "network": "regtest",
            "tls_cert_path": str(address.tls_cert_path),
            "macaroon_path": str(address.macaroon_paths[macaroon]),
        }
        return NodeAccess(**(facts | changes))

    def access_with(self, macaroon_hex: str, folder: Path) -> NodeAccess:
        path = folder / "test.macaroon"
        path.write_bytes(bytes.fromhex(macaroon_hex))
        return self.access("paying", macaroon_path=str(path))

    def invoice(self, amount_msat: int = NET_MSAT, *, node: str = WALLETS, expiry: int = 86_400) -> str:
        """Create an invoice of a member's wallet."""
        made = self.control.invoice(node, amount_msat, memo="tontine", expiry=expiry)
        return str(made["payment_request"])

    def script(self, *steps: Record) -> None:
        """Apply these steps to our node's next payment only."""
        self.control.script(PLATFORM, *steps, count=1)

    def record(self, payment_hash: str) -> list[Record]:
        """Return every payment row of our node for this hash, overwritten and deleted ones included."""
        return self.control.payments_of(PLATFORM, payment_hash)


def instruction(text: str, *, amount_msat: int = NET_MSAT, kind: str = "bolt11") -> Instruction:
    return Instruction(1, msat(amount_msat), Destination("lightning", kind, text))


def now(later: timedelta = timedelta()) -> datetime:
    """Return the current time: the simulated node uses the machine's clock."""
    return clock.now() + later


LEASE = timedelta(seconds=20)


def deadline(*, node_ahead: timedelta = timedelta()) -> Deadline:
    """Return the deadline of a send that starts now, by a clock like that of a node which was set ahead."""
    read_at_ns = boottime_ns()
    return Deadline.after(LEASE, at=now(node_ahead + LEASE), read_at_ns=read_at_ns)
