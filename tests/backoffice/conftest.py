from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import translation
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from fees.queries import forget_schedules
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.backoffice.world import World, make_world, person
from tests.support.shared_rows import SharedRows, is_transactional
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


def _make_world() -> tuple[World, list[dict[str, Any]]]:
    return make_world(), [vars(fake) for fake in _fakes()]


def _fakes() -> list[object]:
    return [rail("lightning"), collector("lightning")]


WORLD = SharedRows(_make_world)


def _shares_world(item: pytest.Item | None) -> bool:
    return (
        item is not None
        and item.path.is_relative_to(Path(__file__).parent)
        and "world" in getattr(item, "fixturenames", ())
        and not is_transactional(item)
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Keep the shared world for as long as the next test begins with it."""
    try:
        return (yield)
    finally:
        if not _shares_world(nextitem):
            WORLD.forget()


@pytest.fixture
def shared_world(
    request: pytest.FixtureRequest, plugins: None, subjects_made_up: None, django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> None:  # fmt: skip
    """Make the world, if the test shares it, before the transaction of the test begins."""
    if _shares_world(request.node):
        WORLD.get(django_db_blocker)


@pytest.fixture
def _django_db_helper(shared_world: None, _django_db_helper: None) -> None:
    """Begin the transaction of a test after that of the world that it shares."""


@pytest.fixture
def world(db: None, django_db_blocker: DjangoDbBlocker) -> World:
    """Return the data of `tests.backoffice.world`, and let the fakes know what they did when it was made."""
    made, done = deepcopy(WORLD.get(django_db_blocker))
    for fake, kept in zip(_fakes(), done, strict=True):
        vars(fake).update(kept)
    return made


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
