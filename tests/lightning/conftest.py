"""A simulated world of two nodes: ours (`platform`) and the one of the members' wallets (`wallets`)."""

from __future__ import annotations

import pytest

from lightning.client import LndClient
from lightning.collector import LightningCollector
from lightning.rail import LightningRail
from tests.lightning.fixtures import simulator, world
from tests.lightning.world import PLATFORM, World
from tests.support.subjects import subjects_made_up

__all__ = ["simulator", "subjects_made_up", "world"]


@pytest.fixture
def paying(world: World) -> LndClient:
    return LndClient(world.access("paying"))


@pytest.fixture
def rail(paying: LndClient) -> LightningRail:
    """A rail whose streams end after two seconds, so that tests of a silent node do not take a minute."""
    return LightningRail(paying, timeout_seconds=1, listen_margin_seconds=1)


@pytest.fixture
def collector(world: World) -> LightningCollector:
    return LightningCollector(LndClient(world.access("invoicing")))


@pytest.fixture
def our_pubkey(world: World) -> str:
    return world.process.node(PLATFORM).pubkey
