"""Every test runs on each configured back-end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live_lnd.backends import (
    BACKENDS,
    SIMULATED,
    Backend,
    missing_variables,
    real_backend,
    simulated_backend,
)
from tests.live_lnd.node_pair import NodePair
from tests.live_lnd.recording import Recorder


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    with simulated_backend(tmp_path_factory.mktemp("contract")) as backend:
        yield backend


@pytest.fixture(params=(SIMULATED,) if missing_variables(os.environ) else BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param != SIMULATED:
        return real_backend()
    simulated: Backend = request.getfixturevalue("simulated")
    return simulated


@pytest.fixture
def pair(backend: Backend, request: pytest.FixtureRequest) -> Iterator[NodePair]:
    folder = os.environ.get("LND_TEST_RECORD_DIR")
    name = request.function.__name__
    pair = NodePair(backend, Recorder(Path(folder) if folder else None, backend.name, name))
    yield pair
    pair.cancel_invoices()
    pair.record.write()
