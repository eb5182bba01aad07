"""Fixtures that give tests a running Orange; a folder imports them in its `conftest.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.partners.orange.harness import OrangeHarness


@pytest.fixture(scope="session")
def orange_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrangeHarness]:
    harness = OrangeHarness(tmp_path_factory.mktemp("orange"))
    harness.start()
    try:
        yield harness
    finally:
        harness.stop()


@pytest.fixture
def orange(orange_process: OrangeHarness, monkeypatch: pytest.MonkeyPatch) -> OrangeHarness:
    """Orange as it starts, with a million francs in our account; the environment names it."""
    orange_process.reset(monkeypatch)
    return orange_process
