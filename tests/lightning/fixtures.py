"""The simulated world, for the conftest of every room that needs it: one a process, calm before and after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.lnd.process import SimulatorProcess
from tests.lightning.world import World


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """Two nodes: ours (`platform`) and that of members' wallets (`wallets`)."""
    with SimulatorProcess(tmp_path_factory.mktemp("lnd")) as process:
        yield process


@pytest.fixture
def world(simulator: SimulatorProcess) -> Iterator[World]:
    """The world as it is without scripts, faults and shifted clocks."""
    fresh = World(simulator)
    fresh.calm()
    yield fresh
    fresh.calm()
