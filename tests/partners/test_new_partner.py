"""A new partner is one folder and one line: the invented one is plugged in by its line alone."""

from __future__ import annotations

from pytest_django import Settings

from sunusav.settings import base
from tests.francs.collector import FrancCollector
from tests.francs.rail import FrancRail
from transfers.collectors import collector
from transfers.rails import rail

LINE = {"franc": "tests.francs"}


def test_line_in_the_settings_plugs_a_partner_in(settings: Settings) -> None:
    """Its rail and its collector are found by the names that those of every partner have."""
    settings.PARTNER_PACKAGES = {**base.PARTNER_PACKAGES, **LINE}
    settings.RAILS = {name: f"{package}.rail.{name.title()}Rail" for name, package in LINE.items()}
    settings.COLLECTORS = {
        name: f"{package}.collector.{name.title()}Collector" for name, package in LINE.items()
    }
    for forget in (rail.cache_clear, collector.cache_clear):
        forget()

    assert isinstance(rail("franc"), FrancRail)
    assert isinstance(collector("franc"), FrancCollector)

    for forget in (rail.cache_clear, collector.cache_clear):
        forget()
