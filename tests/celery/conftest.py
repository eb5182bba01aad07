from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from sunusav.core.wake_ups import retry_broker_now
from tests.lightning.fixtures import simulator, world
from tests.lightning.world import World
from tests.support.database import url_of
from tests.support.lightning import settings_of
from tests.support.subjects import subjects_made_up
from transfers.rails import rail

__all__ = ["simulator", "subjects_made_up", "world"]


@pytest.fixture
def environment(transactional_db: None, world: World, settings: Settings) -> Iterator[dict[str, str]]:
    """Yield the environment of worker and beat without their broker, and put the same node into our own settings."""
    node = settings_of(world.process)
    for name, value in node.items():
        setattr(settings, name, value)
    rail.cache_clear()
    retry_broker_now()
    yield {
        **node,
        "LND_PAYMENT_TIMEOUT_SECONDS": "5",
        "DJANGO_SETTINGS_MODULE": "sunusav.settings.test",
        "MONETIZATION_DATABASE_URL": url_of(settings.DATABASES["default"]),
    }
    rail.cache_clear()
    retry_broker_now()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of the processes' logs."""
    return tmp_path
