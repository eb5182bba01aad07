from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.backoffice.world import World, make_world, person
from tests.support.subjects import subjects_made_up
from transfers.collectors import collector
from transfers.rails import rail

__all__ = ["subjects_made_up"]
Enter = Callable[[Role | None], Client]


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    """Replace Lightning by fakes and clear the caches around each test."""
    settings.RAILS = {"lightning": "tests.fakes.rail.ScriptedRail"}
    settings.COLLECTORS = {"lightning": "tests.fakes.collector.ScriptedCollector"}
    for forget in (rail.cache_clear, collector.cache_clear, forget_schedules, cache.clear):
        forget()
    with translation.override("en"):
        yield
    for forget in (rail.cache_clear, collector.cache_clear, forget_schedules, cache.clear):
        forget()


@pytest.fixture
def world(db: None) -> World:
    """Return the data of `tests.backoffice.world`."""
    return make_world()


@pytest.fixture
def enter(db: None) -> Enter:
    """Return a function that logs in a person with a role; without a role, a superuser."""

    def as_role(role: Role | None) -> Client:
        client = Client(headers={"accept-language": "en"})
        if role is None:
            user, _ = User.objects.get_or_create(
                username="root", defaults={"is_staff": True, "is_superuser": True}
            )
        else:
            user = person(f"a-{role.value}", role)
        client.force_login(user)
        return client

    return as_role
