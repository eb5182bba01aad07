from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from fees.queries import forget_schedules
from sunusav.api.throttling import forget_shares
from tests.partners.webhooks.delivering import ENVIRONMENT
from tests.support.subjects import subjects_made_up
from transfers.collectors import collector
from transfers.rails import rail

__all__ = ["subjects_made_up"]
HERE = "tests.partners.webhooks.delivering"


@pytest.fixture(autouse=True)
def partners(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use all partners, with secrets of the tests, and with collectors and a rail that a test controls."""
    settings.PARTNERS = ["wave", "orange", "mtn"]
    settings.COLLECTORS = {name: f"{HERE}.{name.title()}Collector" for name in settings.PARTNERS}
    settings.RAILS = {"orange": f"{HERE}.OrangeRail"}
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    forgets: list[Callable[[], None]] = [
        rail.cache_clear, collector.cache_clear, forget_schedules, forget_shares, cache.clear,
    ]  # fmt: skip
    for forget in forgets:
        forget()
    yield
    for forget in forgets:
        forget()
