from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live_lnd.journeys.product import Product, running_product
from tests.live_lnd.regtest.network import Regtest, throwaway_network


@pytest.fixture(scope="package")
def own_network() -> Iterator[Regtest]:
    """Nodes of the journeys: they are killed, so the contract tests have others."""
    with throwaway_network() as network:
        yield network


@pytest.fixture(scope="package")
def product(own_network: Regtest) -> Iterator[Product]:
    with running_product(own_network) as product:
        yield product
