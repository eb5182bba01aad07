"""One simulated world for all tests except those that kill it, which share another.

Starting a world costs half a second of interpreter, so a test that needs untouched nodes gets an unused pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sandbox.lnd.control import Control
from sandbox.lnd.process import SimulatorProcess
from tests.sandbox.lnd.wire import Wire

# At least as many as there are tests that want one: one worker may run them all.
UNUSED_PAIRS = 24


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    names = [f"{role}{number}" for number in range(UNUSED_PAIRS) for role in ("payer", "payee")]
    with SimulatorProcess(tmp_path_factory.mktemp("world"), ["platform", "wallets", *names]) as world:
        yield world


@pytest.fixture
def world(shared_world: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """The shared world, reset to its initial options and clock; its rows remain."""
    options = {name: facts["options"] for name, facts in shared_world.control.nodes().items()}
    yield shared_world
    control = shared_world.control
    control.set_clock()
    for name, stored in options.items():
        control.clear_scripts(name)
        control.set_options(name, **stored)
        control.set_money(
            name, fee_base_msat=1_000, fee_ppm=1, reserve_msat=0, local_msat=10**12, remote_msat=10**12
        )
    for payment in control.payments("platform"):
        if payment["status"] in ("INITIATED", "IN_FLIGHT") and payment["row_state"] == "current":
            control.fail("platform", payment["payment_hash"])


@pytest.fixture(scope="session")
def unused_pairs() -> Iterator[tuple[str, str]]:
    return iter([(f"payer{number}", f"payee{number}") for number in range(UNUSED_PAIRS)])


@dataclass(frozen=True)
class Pair:
    """Two nodes that no other test uses."""

    world: SimulatorProcess
    payer: str
    payee: str

    @property
    def control(self) -> Control:
        return self.world.control

    @property
    def payer_wire(self) -> Wire:
        return Wire(self.world.node(self.payer))

    @property
    def payee_wire(self) -> Wire:
        return Wire(self.world.node(self.payee))


@pytest.fixture
def pair(shared_world: SimulatorProcess, unused_pairs: Iterator[tuple[str, str]]) -> Pair:
    return Pair(shared_world, *next(unused_pairs))


@pytest.fixture(scope="session")
def killable_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    """The world that tests may kill."""
    with SimulatorProcess(tmp_path_factory.mktemp("mortal")) as mortal:
        yield mortal


@pytest.fixture
def own_world(killable_world: SimulatorProcess) -> Iterator[SimulatorProcess]:
    yield killable_world
    killable_world.control.set_clock()
    killable_world.control.clear_scripts("platform")


@pytest.fixture
def control(world: SimulatorProcess) -> Control:
    return world.control


@pytest.fixture
def platform(world: SimulatorProcess) -> Wire:
    return Wire(world.node("platform"))


@pytest.fixture
def wallets(world: SimulatorProcess) -> Wire:
    return Wire(world.node("wallets"))
