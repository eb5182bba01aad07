from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from fees.queries import forget_schedules
from tests.partners.calls import impatient
from tests.partners.fixtures import partner, pytest_generate_tests, started
from tests.partners.harness import Harness
from tests.partners.journeys.world import World
from tests.support.subjects import subjects_made_up
from tests.transfers.rails import SteeredRail, Watch
from transfers.collectors import collector
from transfers.rails import rail

__all__ = ["partner", "pytest_generate_tests", "started", "subjects_made_up"]


@pytest.fixture
def plugged(
    partner: Harness, settings: Settings, monkeypatch: pytest.MonkeyPatch, subjects_made_up: None
) -> Iterator[Harness]:
    """The partner beside a Lightning node that a test controls."""
    impatient(partner, monkeypatch)
    settings.RAILS = {
        "lightning": "tests.transfers.rails.SteeredRail", partner.name: _path_of(type(partner.rail()))
    }  # fmt: skip
    settings.COLLECTORS = {partner.name: _path_of(type(partner.collector()))}
    forgets: list[Callable[[], None]] = [rail.cache_clear, collector.cache_clear, forget_schedules]
    for forget in forgets:
        forget()
    yield partner
    for forget in forgets:
        forget()


@pytest.fixture
def world(plugged: Harness) -> World:
    return World(plugged, Watch(datetime.now(UTC)))


@pytest.fixture
def node(plugged: Harness) -> SteeredRail:
    found = rail("lightning")
    assert isinstance(found, SteeredRail)
    return found


def _path_of(plugin: type) -> str:
    return f"{plugin.__module__}.{plugin.__qualname__}"
