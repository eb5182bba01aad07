"""Fixtures that give tests a running simulated Wave; a folder imports them in its `conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.partners.wave.harness import WaveHarness


@pytest.fixture(scope="session")
def wave_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaveHarness]:
    harness = WaveHarness(tmp_path_factory.mktemp("wave"))
    harness.start()
    yield harness
    harness.stop()


@pytest.fixture
def wave(wave_process: WaveHarness, monkeypatch: pytest.MonkeyPatch) -> WaveHarness:
    """Wave as it starts, with a million francs in our wallet; the environment names it."""
    wave_process.reset(monkeypatch)
    return wave_process
