"""Fixtures that give a test each partner in turn, its simulator running; a folder imports them in its `conftest.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache

from tests.partners.harness import HARNESSES, Harness, harness_of

Start = Callable[[str], Harness]


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a partner's simulator when it is first asked for; it runs until the session ends."""
    running: dict[str, Harness] = {}

    def start(name: str) -> Harness:
        if name not in running:
            harness = harness_of(name, tmp_path_factory.mktemp(name))
            harness.start()
            running[name] = harness
        return running[name]

    yield start
    for harness in running.values():
        harness.stop()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a partner with each, or with those that its module names in PARTNERS."""
    if "partner" in metafunc.fixturenames:
        names = getattr(metafunc.module, "PARTNERS", sorted(HARNESSES))
        metafunc.parametrize("partner", names, indirect=True)


@pytest.fixture
def partner(request: pytest.FixtureRequest, started: Start, monkeypatch: pytest.MonkeyPatch) -> Harness:
    """A partner as it starts, with a million francs in our account, and no token of it known."""
    harness = started(request.param)
    harness.thaw()
    cache.clear()
    harness.reset(monkeypatch)
    return harness
