"""Journeys go through the HTTP API, with the real rail and collector against the simulated node."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from fees.queries import forget_schedules
from sunusav.api.authentication import forget_tokens
from sunusav.core.roles import Role
from tests.factories.users import client_in
from tests.lightning.fixtures import simulator, world
from tests.lightning.world import World
from tests.support.guards import log_lines, written_facts_guarded
from tests.support.lightning import settings_of
from transfers.collectors import collector
from transfers.rails import rail

__all__ = ["log_lines", "simulator", "world", "written_facts_guarded"]


_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def our_node(world: World, settings: Settings, db: None, log_lines: list[str]) -> Iterator[None]:
    """Connect rail and collector to the simulated node; clear what other tests cached."""
    settings.RAILS = {"lightning": "tests.transfers.rails.QuickLightningRail"}
    for name, value in settings_of(world.process).items():
        setattr(settings, name, value)
    # Every test starts again at collection 1; another key gives its invoices other preimages.
    settings.INVOICE_PREIMAGE_KEY = f"{next(_numbers) + 0xABCDEF00:064x}"
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
def platform() -> APIClient:
    return client_in(Role.PLATFORM)
