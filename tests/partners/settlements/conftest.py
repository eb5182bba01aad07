from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.fakes.franc_rail import ScriptedFrancRail
from transfers.collectors import collector
from transfers.float_queries import forget_outflows
from transfers.rails import rail


@pytest.fixture(autouse=True)
def plugins(settings: Settings) -> Iterator[None]:
    """Use Wave, which pays by a scripted rail in francs, and Orange, which has none."""
    settings.PARTNERS = ["wave", "orange"]
    settings.RAILS = {"wave": "tests.fakes.franc_rail.ScriptedWaveRail"}
    settings.COLLECTORS = {}
    forgets: list[Callable[[], None]] = [
        rail.cache_clear, collector.cache_clear, forget_schedules, forget_outflows, cache.clear,
    ]  # fmt: skip
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()


@pytest.fixture
def wave() -> ScriptedFrancRail:
    found = rail("wave")
    assert isinstance(found, ScriptedFrancRail)
    return found


@pytest.fixture
def finance(db: None) -> User:
    return make_user(Role.FINANCE, username="fatou")


@pytest.fixture
def approver(db: None) -> User:
    return make_user(Role.APPROVER, username="aminata")
