from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from fees.queries import forget_schedules
from tests.lightning.fixtures import simulator, world
from tests.lightning.world import World
from tests.support.guards import written_facts_guarded
from tests.support.lightning import settings_of
from tests.transfers.builders import NOW
from tests.transfers.rails import OtherSteeredCollector, SteeredCollector, SteeredRail, Watch
from transfers.collectors import collector
from transfers.rails import rail

__all__ = ["simulator", "world", "written_facts_guarded"]


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    """Replace the rail and the collectors by ones that a test controls, new for each test."""
    settings.RAILS = {"lightning": "tests.transfers.rails.SteeredRail"}
    settings.COLLECTORS = {
        "lightning": "tests.transfers.rails.SteeredCollector",
        "wave": "tests.transfers.rails.OtherSteeredCollector",
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
def lightning_collector() -> SteeredCollector:
    """Return the collector of Lightning."""
    found = collector("lightning")
    assert isinstance(found, SteeredCollector)
    return found


@pytest.fixture
def wave_collector() -> OtherSteeredCollector:
    """Return the collector of Wave."""
    found = collector("wave")
    assert isinstance(found, OtherSteeredCollector)
    return found


@pytest.fixture
def watch() -> Watch:
    return Watch(NOW)


@pytest.fixture
def quick_node(plugins: None, world: World, settings: Settings) -> None:
    """Use the real Lightning rail."""
    settings.RAILS = {"lightning": "tests.transfers.rails.QuickLightningRail"}
    for name, value in settings_of(world.process).items():
        setattr(settings, name, value)
