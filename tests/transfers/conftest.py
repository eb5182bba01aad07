from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from fees.queries import forget_schedules
from tests.fakes.collector import OtherCollector, ScriptedCollector
from tests.transfers.builders import NOW
from tests.transfers.rails import SteeredRail, Watch
from transfers.collectors import collector
from transfers.rails import rail


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    """Put rails and collectors that a test steers where Lightning and Wave are, new for each test."""
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    settings.COLLECTORS = {
        "lightning": "tests.fakes.collector.ScriptedCollector",
        "wave": "tests.fakes.collector.OtherCollector",
    }
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


@pytest.fixture
def node() -> SteeredRail:
    """Return the rail that the engine will use."""
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    return found


@pytest.fixture
def till() -> ScriptedCollector:
    """Return the collector of Lightning."""
    found = collector("lightning")
    assert isinstance(found, ScriptedCollector)
    return found


@pytest.fixture
def other_till() -> OtherCollector:
    """Return the collector of Wave."""
    found = collector("wave")
    assert isinstance(found, OtherCollector)
    return found


@pytest.fixture
def watch() -> Watch:
    return Watch(NOW)
