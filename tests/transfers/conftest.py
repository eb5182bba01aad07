from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from fees.queries import forget_schedules
from tests.fakes.franc_rail import ScriptedFrancRail
from tests.lightning.fixtures import simulator, world
from tests.lightning.world import World
from tests.support.guards import written_facts_guarded
from tests.support.lightning import settings_of
from tests.support.subjects import subjects_made_up
from tests.transfers.builders import NOW
from tests.transfers.rails import (
    FrancSteeredCollector,
    OtherSteeredCollector,
    SteeredCollector,
    SteeredRail,
    Watch,
)
from transfers.collectors import collector
from transfers.rails import rail

__all__ = ["simulator", "subjects_made_up", "world", "written_facts_guarded"]


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    """Replace the rail and the collectors by ones that a test controls, new for each test."""
    settings.RAILS = {
        "lightning": "tests.transfers.rails.SteeredRail",
        "franc": "tests.fakes.franc_rail.ScriptedFrancRail",
    }
    settings.COLLECTORS = {
        "lightning": "tests.transfers.rails.SteeredCollector",
        "wave": "tests.transfers.rails.OtherSteeredCollector",
        "franc": "tests.transfers.rails.FrancSteeredCollector",
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
def francs() -> ScriptedFrancRail:
    """Return the rail in francs that the engine will use."""
    found = rail("franc")
    assert isinstance(found, ScriptedFrancRail)
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
def franc_collector() -> FrancSteeredCollector:
    """Return the collector in francs."""
    found = collector("franc")
    assert isinstance(found, FrancSteeredCollector)
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
