import itertools

import pytest

from tests.partners.calls import Asked
from tests.partners.fixtures import partner, pytest_generate_tests, started
from tests.partners.harness import Harness
from transfers.collectors import Collector
from transfers.rails import Rail

__all__ = ["partner", "pytest_generate_tests", "started"]

_numbers = itertools.count(1)


@pytest.fixture
def rail(partner: Harness) -> Rail:
    return partner.rail()


@pytest.fixture
def collector(partner: Harness) -> Collector:
    return partner.collector()


@pytest.fixture
def asked(partner: Harness) -> Asked:
    """A request that no other test has: references follow from its number."""
    return Asked(next(_numbers), partner.phone)
