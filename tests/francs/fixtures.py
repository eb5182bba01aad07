"""Fixtures that give tests a running franc partner; a folder imports them in its `conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.francs.process import FrancProcess
from tests.francs.provider import API_KEY

FLOAT_XOF = 1_000_000


@pytest.fixture(scope="session")
def franc_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrancProcess]:
    with FrancProcess(tmp_path_factory.mktemp("francs")) as process:
        yield process


@pytest.fixture
def francs(franc_process: FrancProcess, monkeypatch: pytest.MonkeyPatch) -> FrancProcess:
    """A partner as it starts, with a million francs in our account; the environment names it."""
    franc_process.thaw()
    franc_process.control.reset()
    franc_process.control.top_up(FLOAT_XOF)
    monkeypatch.setenv("FRANC_URL", franc_process.url)
    monkeypatch.setenv("FRANC_API_KEY", API_KEY)
    return franc_process
