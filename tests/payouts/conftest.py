from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav.api.authentication import forget_tokens
from tests.fakes.collector import ScriptedCollector
from tests.fakes.rail import ScriptedRail
from tests.support.guards import written_facts_guarded
from transfers.collectors import collector
from transfers.rails import rail

__all__ = ["written_facts_guarded"]


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    """Replace Lightning by fakes, new for each test."""
    settings.RAILS = {"lightning": "tests.fakes.rail.ScriptedRail"}
    settings.COLLECTORS = {
        "lightning": "tests.fakes.collector.ScriptedCollector",
        "wave": "tests.fakes.collector.OtherCollector",
    }
    forgets: list[Callable[[], None]] = [
        rail.cache_clear,
        collector.cache_clear,
        forget_tokens,
        forget_schedules,
    ]
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


@pytest.fixture
def node() -> ScriptedRail:
    """Return the rail that the engine will use."""
    found = rail("lightning")
    assert isinstance(found, ScriptedRail)
    return found


@pytest.fixture
def till() -> ScriptedCollector:
    """Return the collector that contributions use."""
    found = collector("lightning")
    assert isinstance(found, ScriptedCollector)
    return found
