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
from tests.live_lnd.regtest.network import Regtest, running_network
from tests.live_lnd.regtest.programs import find_programs
from tests.support import process


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with simulated_backend(tmp_path_factory.mktemp("contract")) as backend:
        yield backend


@pytest.fixture(scope="session")
def regtest() -> Iterator[Regtest]:
    """Two real nodes that this suite starts, with a single channel, for tests that leave them as they were."""
    with process.folder("lnd") as folder, running_network(folder, find_programs()) as network:
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
    folder = os.environ.get("LND_TEST_RECORD_DIR")
    name = request.function.__name__
    pair = NodePair(backend, Recorder(Path(folder) if folder else None, backend.name, name))
    yield pair
    pair.cancel_invoices()
    pair.record.write()
