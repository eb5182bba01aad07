"""The product as an operator runs it (web, workers, beat, listener; MariaDB, Redis) on the platform's real node."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lightning.client import LndClient, NodeAccess
from lightning.liquidity import sendable_over
from sandbox.credentials import Credentials
from sandbox.platform import Facts, Platform
from sandbox.ports import free_port
from sandbox.process_tree import ProcessTree
from sandbox.scenario import Scenario
from sandbox.servers import ROOT, Servers
from tests.live_lnd.left_in_flight import are_left_in_flight
from tests.live_lnd.polling import eventually
from tests.live_lnd.regtest.network import WALLETS, Regtest, macaroons_of_compose_file
from tests.live_lnd.regtest.node import NETWORK
from tests.live_lnd.regtest.wallets import NodeWallets
from tests.support import process
from tests.support.mariadb import mariadb
from tests.support.redis import redis

PAYING_WORKER = "worker-payouts"
MSAT = 1_000
SIDE_BY_SIDE = 16
PATIENCE_SECONDS = 120.0
COMMAND_SECONDS = 120
# Two members give 5,000 sats each. The fee is 1 %: the winner gets 9,900.
CONTRIBUTION_SATS, NET_SATS = 5_000, 9_900
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Product:
    """The running product, its platform, and the wallets of members and winners."""

    servers: Servers
    tree: ProcessTree
    network: Regtest
    platform: Platform
    wallets: NodeWallets
    # Payments that a test made with the platform's node by hand.
    paid_outside: set[str] = field(default_factory=set)
    # Cycles whose payout the node left in flight without end.
    left_in_flight: set[str] = field(default_factory=set)

    # Processes

    def start(self) -> None:
        self.servers.start(self.tree)
        self.servers.wait_until_serving(self.tree)

    def stop(self) -> None:
        self.tree.stop()

    def kill_paying_worker(self) -> None:
        self.tree.kill(PAYING_WORKER)

    def start_paying_worker(self) -> None:
        self.tree.start_again(PAYING_WORKER)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py and return what it printed and its status."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.servers.paying_environment(),
            check=False,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )

    # The platform's node

    def paying_client(self) -> LndClient:
        node = self.servers.node
        paying = str(node.macaroon_paths["paying"])
        return LndClient(NodeAccess(node.target, NETWORK, str(node.tls_cert_path), macaroon_path=paying))

    def sendable_sats(self) -> int:
        channels = self.paying_client().list_channels().channels
        return sendable_over(channels).largest.amount // MSAT

    def spend_outside(self, amount_sats: int) -> None:
        """Pay from the platform's node by hand, outside the books."""
        invoice = self.wallets.invoice(WALLETS, amount_sats * MSAT)
        self.network.platform.cli("payinvoice", "--force", "--json", invoice["payment_request"])
        self.paid_outside.add(invoice["payment_hash"])

    # What the platform does

    def scenario(self) -> Scenario:
        return Scenario(self.platform, self.wallets, print_step=print)

    def new_cycles(self, count: int) -> list[str]:
        """Create a group of two members, and cycles of it."""
        group_id = f"group-{next(_numbers)}"
        self.platform.post("/groups", {"id": group_id, "name": "Tontine Médina", "country": "SN"})
        members = [f"{group_id}-member-{number}" for number in (1, 2)]
        for user_id in members:
            person = {"user_id": user_id, "display_name": user_id, "phone": f"+22177{next(_numbers):07}"}
            self.platform.post(f"/groups/{group_id}/members", person)
        cycles = [f"{group_id}-cycle-{number}" for number in range(1, count + 1)]
        for number, cycle_id in enumerate(cycles, start=1):
            self.platform.post("/cycles", {
                "id": cycle_id, "group_id": group_id, "cycle_index": number, "contribution_sats": CONTRIBUTION_SATS,
                "winner_user_id": members[0],
            })  # fmt: skip
        return cycles

    def invoices_of(self, cycle_id: str) -> list[str]:
        """Open the contribution of each member; return their invoices."""
        rows = self.platform.get(f"/cycles/{cycle_id}/contributions")["results"]
        body = {"method": "lightning"}
        opened = [
            self.platform.post(f"/cycles/{cycle_id}/contributions", {"user_id": row["user_id"], **body})
            for row in rows
        ]
        return [one["payment_request"] for one in opened]

    def collect(self, cycles: list[str]) -> None:
        """Have every member pay, side by side, and wait until the cycles are ready."""
        invoices = [text for of_cycle in side_by_side(self.invoices_of, cycles) for text in of_cycle]
        side_by_side(lambda text: self.wallets.pay(WALLETS, text), invoices)
        self.wait_for("ready", cycles)

    def give_invoice(self, cycle_id: str, *, expiry_seconds: int = 86_400) -> str:
        """Set an invoice of the winner's wallet as destination; return its payment hash."""
        invoice = self.wallets.invoice(WALLETS, NET_SATS * MSAT, memo=cycle_id, expiry=expiry_seconds)
        self.set_destination(cycle_id, invoice["payment_request"])
        return str(invoice["payment_hash"])

    def set_destination(self, cycle_id: str, payment_request: str) -> None:
        destination = {"rail": "lightning", "kind": "bolt11", "value": payment_request}
        self.platform.put(f"/cycles/{cycle_id}/destination", destination)

    def order(self, cycle_id: str) -> int:
        """Request the payout of a cycle; return its number."""
        return int(self.platform.post("/payouts/process", {"cycle_id": cycle_id})["payout_id"])

    def status(self, cycle_id: str) -> str:
        return str(self.platform.get(f"/cycles/{cycle_id}")["status"])

    def payouts(self) -> list[Facts]:
        """Return every payout, all pages."""
        answer = self.platform.get("/payouts")
        rows: list[Facts] = answer["results"]
        while answer["next"]:
            answer = self.platform.get(answer["next"].split("/monetization", 1)[1])
            rows += answer["results"]
        return rows

    def wait_until_paid_or_left(self, cycles: list[str], *, within_seconds: float) -> None:
        """Wait until all are paid, except those that the node left in flight when it was killed."""

        def unpaid() -> dict[str, str]:
            rows = [row for row in self.payouts() if row["cycle_id"] in cycles]
            return {
                row["lightning_payment_hash"]: row["cycle_id"] for row in rows if row["status"] != "completed"
            }

        eventually(
            lambda: are_left_in_flight(self.network.platform, unpaid()),
            lambda: f"neither paid nor left in flight: {unpaid()}",
            within_seconds=within_seconds,
        )
        self.left_in_flight.update(unpaid().values())

    def wait_for(self, status: str, cycles: list[str], *, within_seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until every cycle has this status."""
        waiting = set(cycles)

        def is_done() -> bool:
            waiting.difference_update([one for one in waiting if self.status(one) == status])
            return not waiting

        eventually(is_done, lambda: f"not {status}: {sorted(waiting)[:5]}", within_seconds=within_seconds)


@contextmanager
def running_product(network: Regtest) -> Iterator[Product]:
    """Run the product until the block ends."""
    macaroons = {
        name: network.platform.bake(name, rights) for name, rights in macaroons_of_compose_file().items()
    }
    node = network.platform.address({**macaroons, "monitoring": macaroons["readonly"]})
    with process.folder("product") as folder, mariadb() as database, redis() as broker:
        servers = Servers(folder, free_port(), database.url(), broker.url(), node)
        servers.manage("seed_demo")
        tree = ProcessTree(folder / "logs")
        token = Credentials.load(folder).tokens["platform"]
        platform = Platform(servers.base_url, token)
        product = Product(servers, tree, network, platform, NodeWallets(network.wallets))
        try:
            product.start()
            yield product
        finally:
            tree.stop()


def side_by_side(call: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        return list(threads.map(call, items))
