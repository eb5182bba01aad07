"""Fixtures that give tests a running MTN; a folder imports them in its `conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.partners.mtn.harness import MtnHarness


@pytest.fixture(scope="session")
def mtn_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MtnHarness]:
    harness = MtnHarness(tmp_path_factory.mktemp("mtn"))
    harness.start()
    yield harness
    harness.stop()


@pytest.fixture
def mtn(mtn_process: MtnHarness, monkeypatch: pytest.MonkeyPatch) -> MtnHarness:
    """MTN as it starts, with a million francs in our wallet; the variables MTN_* name it."""
    mtn_process.thaw()
    mtn_process.reset(monkeypatch)
    return mtn_process
