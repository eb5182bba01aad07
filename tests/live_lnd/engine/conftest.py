"""One network for all journeys of the engine: they kill its nodes, so the contract tests have others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from sunusav.core import clock
from tests.factories.limits import widen_limits
from tests.live_lnd.engine.engine import Engine
from tests.live_lnd.engine.wallets import RealWallets
from tests.live_lnd.engine.workers import Workers
from tests.live_lnd.regtest.network import Regtest, macaroons_of_compose_file, throwaway_network
from tests.support.database import url_of
from tests.support.lightning import forking, settings_for
from tests.support.subjects import subjects_made_up
from transfers.rails import rail

__all__ = ["subjects_made_up"]


@pytest.fixture(scope="package")
def killed_network() -> Iterator[Regtest]:
    with throwaway_network() as network:
        yield network


@pytest.fixture(scope="package")
def lnd_settings(killed_network: Regtest) -> dict[str, str]:
    """The LND_* settings of the platform's node, with the macaroons that docker-compose.yml bakes."""
    node = killed_network.platform
    macaroons = {
        name: node.bake(name, permissions) for name, permissions in macaroons_of_compose_file().items()
    }
    return settings_for(node.address(macaroons))


@pytest.fixture
def engine(
    transactional_db: None,
    killed_network: Regtest,
    lnd_settings: dict[str, str],
    settings: Settings,
    tmp_path: Path,
) -> Iterator[Engine]:
    for name, value in lnd_settings.items():
        setattr(settings, name, value)
    rail.cache_clear()

    widen_limits(now=clock.now())
    environment = {
        **forking(),
        **lnd_settings,
        "MONETIZATION_DATABASE_URL": url_of(settings.DATABASES["default"]),
        "DJANGO_SETTINGS_MODULE": "sunusav.settings.test",
        "GRPC_VERBOSITY": "NONE",
    }
    engine = Engine(killed_network, RealWallets(killed_network), Workers(tmp_path, environment))
    yield engine
    engine.workers.kill_all()
    rail.cache_clear()
