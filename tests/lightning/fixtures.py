"""Fixtures of the simulated world, shared by several conftests: one world per process, reset around each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.lnd.process import SimulatorProcess
from tests.lightning.world import World


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """Two nodes: ours (`platform`) and the one of the members' wallets (`wallets`)."""
    with SimulatorProcess(tmp_path_factory.mktemp("lnd")) as process:
        yield process


@pytest.fixture
def world(simulator: SimulatorProcess) -> Iterator[World]:
    """The simulated world without scripts, faults and shifted clocks."""
    fresh = World(simulator)
    fresh.calm()
    yield fresh
    fresh.calm()
