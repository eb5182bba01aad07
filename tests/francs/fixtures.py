"""Fixtures that give tests a running franc provider; a folder imports them in its `conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.francs.process import FrancProcess

FLOAT_XOF = 1_000_000


@pytest.fixture(scope="session")
def franc_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrancProcess]:
    with FrancProcess(tmp_path_factory.mktemp("francs")) as process:
        yield process


@pytest.fixture
def francs(franc_process: FrancProcess, monkeypatch: pytest.MonkeyPatch) -> FrancProcess:
    """A provider as it starts, with a million francs in our account; `FRANC_URL` names it."""
    franc_process.thaw()
    franc_process.control.reset()
    franc_process.control.top_up(FLOAT_XOF)
    monkeypatch.setenv("FRANC_URL", franc_process.url)
    return franc_process
