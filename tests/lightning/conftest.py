"""A simulated world of two nodes: ours (`platform`) and that of members' wallets (`wallets`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lightning.client import LndClient
from lightning.collector import LightningCollector
from lightning.rail import LightningRail
from lightning.simulator.process import SimulatorProcess
from tests.lightning.world import PLATFORM, World


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("lnd")) as process:
        yield process


@pytest.fixture
def world(simulator: SimulatorProcess) -> Iterator[World]:
    """The world as it is without scripts, faults and shifted clocks, before and after each test."""
    fresh = World(simulator)
    fresh.calm()
    yield fresh
    fresh.calm()


@pytest.fixture
def paying(world: World) -> LndClient:
    return LndClient(world.access("paying"))


@pytest.fixture
def rail(paying: LndClient) -> LightningRail:
    """A rail that listens for two seconds, so that tests of silence do not take a minute."""
    return LightningRail(paying, timeout_seconds=1, listen_margin_seconds=1)


@pytest.fixture
def collector(world: World) -> LightningCollector:
    return LightningCollector(LndClient(world.access("invoicing")))


@pytest.fixture
def our_pubkey(world: World) -> str:
    return world.process.node(PLATFORM).pubkey
