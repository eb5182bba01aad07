"""Fixtures for every test: a closed network, a database that can be emptied, a Redis on request."""

import gc
from collections.abc import Iterator

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from pytest_django.plugin import DjangoDbBlocker

import fees.queries
from sunusav.api import authentication
from sunusav.core.transactions import lift_idle_limit
from tests.support import baseline, flush, network, template
from tests.support.redis import redis

flush.install()
# A busy machine is no defect: no test asserts how long an example takes, or takes to be drawn.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

A_DAY = 86_400.0


def pytest_collection_finish() -> None:
    """Leave what was imported and collected, which stays until the end, out of the searches for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def network_closed() -> Iterator[None]:
    """Refuse every connection but those to this machine."""
    with network.closed():
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Have the test database copied, where the run migrates one for all its workers."""
    template.install(connection)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Create the test database as pytest-django does, then remember what the migrations put there."""
    with django_db_blocker.unblock():
        baseline.remember(connection)


@pytest.fixture
def caches_outlast_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what a process reads once in a while, tokens and fees, for as long as a test that counts queries takes."""
    monkeypatch.setattr(authentication, "CACHE_SECONDS", A_DAY)
    monkeypatch.setattr(fees.queries, "CACHE_LIFETIME_SECONDS", A_DAY)


@pytest.fixture(autouse=True)
def transaction_around_test_may_be_idle(request: pytest.FixtureRequest, _django_db_marker: None) -> None:
    """Let the transaction in which pytest-django runs a test last as long as the test."""
    if "db" in request.fixturenames:
        request.getfixturevalue("db")
    if connection.in_atomic_block:
        lift_idle_limit()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A private Redis for this worker's tests; mark them `redis`."""
    with redis() as server:
        yield server.url()
