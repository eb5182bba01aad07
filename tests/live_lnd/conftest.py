"""Every contract test runs on simulated nodes and, where `-m lnd` selects it, on real ones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_lnd.backends import (
    REAL,
    SIMULATED,
    Backend,
    given_backend,
    missing_variables,
    own_backend,
    simulated_backend,
)
from tests.live_lnd.node_pair import NodePair
from tests.live_lnd.recording import Recorder
from tests.live_lnd.regtest.network import Regtest, throwaway_network

RECORD_DIR = "LND_TEST_RECORD_DIR"


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with simulated_backend(tmp_path_factory.mktemp("contract")) as backend:
        yield backend


@pytest.fixture(scope="session")
def regtest() -> Iterator[Regtest]:
    """Two real nodes that this suite starts, with a single channel, for tests that leave them as they were."""
    with throwaway_network() as network:
        yield network


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest) -> Backend:
    """The nodes that the environment names, or else our own."""
    if not missing_variables(os.environ):
        return given_backend()
    return own_backend(request.getfixturevalue("regtest"))


@pytest.fixture(params=[SIMULATED, pytest.param(REAL, marks=pytest.mark.lnd)])
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def pair(backend: Backend, request: pytest.FixtureRequest) -> Iterator[NodePair]:
    pair = NodePair(backend, Recorder(_name(request.node), version=backend.version))
    yield pair
    pair.cancel_invoices()


def _name(test: pytest.Function) -> str:
    """Return the name of a test without its back-end."""
    others = {name: value for name, value in test.callspec.params.items() if name != "backend"}
    return "-".join([test.function.__name__, *map(str, others.values())])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Iterator[None]:
    """After a test of the contract has passed, record its answers, or compare them with the recorded ones."""
    yield
    pair = item.funcargs.get("pair")
    if not isinstance(pair, NodePair):
        return
    folder = os.environ.get(RECORD_DIR)
    if folder and pair.backend.name == REAL:
        pair.record.write(Path(folder))
    elif difference := pair.record.differences():
        pytest.fail("\n".join(difference), pytrace=False)
