"""One simulated world for most tests; a world of their own for those that kill it or turn it upside down."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lightning.simulator.control import Control
from lightning.simulator.process import SimulatorProcess
from tests.lightning.simulator.wire import Wire


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture
def world(shared_world: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """The shared world as it was at its start, but for its history."""
    options = {name: facts["options"] for name, facts in shared_world.control.nodes().items()}
    yield shared_world
    control = shared_world.control
    control.set_clock()
    for name, stored in options.items():
        control.clear_scripts(name)
        control.set_options(name, **stored)
        control.set_money(name, fee_base_msat=1_000, fee_ppm=1, reserve_msat=0, local_msat=10**12, remote_msat=10**12)
    for payment in control.payments("platform"):
        if payment["status"] in ("INITIATED", "IN_FLIGHT") and payment["standing"] == "current":
            control.fail("platform", payment["payment_hash"])


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path / "world") as own:
        yield own


@pytest.fixture
def control(world: SimulatorProcess) -> Control:
    return world.control


@pytest.fixture
def platform(world: SimulatorProcess) -> Wire:
    return Wire(world.node("platform"))


@pytest.fixture
def wallets(world: SimulatorProcess) -> Wire:
    return Wire(world.node("wallets"))
