"""The network of the suite: a chain, the platform's node, the members' wallets, a channel between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from tests.live_lnd.regtest.chain import Chain
from tests.live_lnd.regtest.node import LndNode
from tests.live_lnd.regtest.programs import Programs, find_programs
from tests.live_lnd.regtest.servers import DidNotHappen, wait_until
from tests.support import process

COMPOSE_FILE = Path(__file__).resolve().parents[3] / "docker-compose.yml"
PLATFORM, WALLETS, BEHIND = "platform", "wallets", "behind"
# btcd activates segwit on regtest by version bits, and coins mature after 100 blocks.
FIRST_BLOCKS = 500
CONFIRMATIONS = 6
CAPACITY_SATS, PUSHED_SATS = 10_000_000, 4_000_000
BEHIND_SATS, BEHIND_COINS_SATS = 1_000_000, 2_000_000
RESTORE_SECONDS = 30


@dataclass(frozen=True)
class Regtest:
    """The platform's node and the wallets'; the chain's rewards belong to the platform's node."""

    chain: Chain
    platform: LndNode
    wallets: LndNode

    @property
    def nodes(self) -> tuple[LndNode, LndNode]:
        return self.platform, self.wallets

    def open_channel(self, *, capacity_sats: int, pushed_sats: int = 0) -> None:
        """Open a channel from the platform's node and wait until both sides can use it."""
        before = self.platform.active_channels()
        arguments = [
            *("openchannel", f"--node_key={self.wallets.pubkey()}", f"--local_amt={capacity_sats}"),
            *([f"--push_amt={pushed_sats}"] if pushed_sats else []),
        ]
        self.platform.cli(*arguments)
        self.chain.mine(CONFIRMATIONS)
        self.wait_for_channels(before + 1)

    def restore_channels(self) -> None:
        """Wait until both nodes can pay again after one was killed, or open another channel.

        LND sometimes leaves a channel inactive for good when it was killed: its link fails at each connection.
        """
        try:
            self.wait_for_channels(1, within_seconds=RESTORE_SECONDS)
        except DidNotHappen:
            print("a channel stayed inactive after a kill: another one is opened")
            self.open_channel(capacity_sats=CAPACITY_SATS, pushed_sats=PUSHED_SATS)

    def wait_for_channels(self, at_least: int, *, within_seconds: float = 60) -> None:
        """Wait until this many channels are active, and known to path finding, which comes a second later."""
        for node, other in (self.nodes, self.nodes[::-1]):
            has_them, finds_it = (
                partial(_has_channels, node, at_least),
                partial(_finds_route, node, other.pubkey()),
            )
            wait_until(
                f"{at_least} channels of {node.name} are active", has_them, within_seconds=within_seconds
            )
            wait_until(f"{node.name} finds a route", finds_it, within_seconds=within_seconds)

    def restart_platform(self) -> None:
        """Kill the platform's node, start it again and wait until it has its channels and a route."""
        before = self.platform.active_channels()
        self.platform.restart_after_kill()
        self.wait_for_channels(before)

    def connect(self) -> None:
        self.platform.cli("connect", f"{self.wallets.pubkey()}@{self.wallets.p2p_host}")


def _has_channels(node: LndNode, at_least: int) -> bool:
    return node.active_channels() >= at_least


def _finds_route(node: LndNode, pubkey: str) -> bool:
    return bool(node.cli("queryroutes", pubkey, "1")["routes"])


@contextmanager
def throwaway_network() -> Iterator[Regtest]:
    """Run a network whose data are removed in the end."""
    with process.folder("lnd") as folder, running_network(folder, find_programs()) as network:
        yield network


@contextmanager
def running_network(
    folder: Path, programs: Programs, *, capacity_sats: int = CAPACITY_SATS, pushed_sats: int = PUSHED_SATS
) -> Iterator[Regtest]:
    """Start chain and nodes with new data, fund them, and open one channel; stop them when the block ends."""
    with ExitStack() as running:
        chain = Chain(folder / "chain", programs)
        running.callback(chain.stop)
        chain.start()
        chain.mine(1)  # a chain that ends in 2011 counts as not synced, and LND waits
        platform = _started(running, PLATFORM, chain, programs)
        _reward(platform, chain)
        network = Regtest(chain, platform, _started(running, WALLETS, chain, programs))
        for node in network.nodes:
            node.wait_until_synced()
        wait_until("the mined coins are spendable", lambda: platform.confirmed_sats() > 0)
        network.connect()
        network.open_channel(capacity_sats=capacity_sats, pushed_sats=pushed_sats)
        yield network


@contextmanager
def node_behind_wallets(network: Regtest, programs: Programs) -> Iterator[LndNode]:
    """Run a node whose only channel is with `wallets`, through whom the platform pays it, for a routing fee."""
    with ExitStack() as running:
        node, wallets = _started(running, BEHIND, network.chain, programs), network.wallets
        network.platform.cli(
            "sendcoins", f"--addr={wallets.new_address()}", f"--amt={BEHIND_COINS_SATS}", "--force"
        )
        network.chain.mine(1)
        wait_until("the wallets have coins", lambda: wallets.confirmed_sats() > 0)
        for each in (*network.nodes, node):
            each.wait_until_synced()
        wallets.cli("connect", f"{node.pubkey()}@{node.p2p_host}")
        wallets.cli("openchannel", f"--node_key={node.pubkey()}", f"--local_amt={BEHIND_SATS}")
        network.chain.mine(CONFIRMATIONS)
        wait_until("the platform finds a route", partial(_finds_route, network.platform, node.pubkey()))
        yield node


def _started(running: ExitStack, name: str, chain: Chain, programs: Programs) -> LndNode:
    node = LndNode(name, chain.folder.parent / name, chain, programs)
    running.callback(node.stop)
    node.start()
    node.wait_until_active()
    return node


def _reward(node: LndNode, chain: Chain) -> None:
    """Begin a chain that rewards a node, which is down meanwhile: btcd deletes a regtest chain when it starts."""
    address = node.new_address()
    node.stop()
    chain.begin_again(rewards_to=address)
    chain.mine(FIRST_BLOCKS)
    node.start()
    node.wait_until_active()


def macaroons_of_compose_file() -> dict[str, list[str]]:
    """Return the permissions of each macaroon that docker-compose.yml bakes, by name."""
    command = yaml.safe_load(COMPOSE_FILE.read_text())["services"]["lnd-keys"]["command"][0]
    baked = re.findall(r"bake (\w+)((?: uri:[\w./]+)+)", command)
    return {name: permissions.split() for name, permissions in baked}
