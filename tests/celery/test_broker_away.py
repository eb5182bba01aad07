"""A ring asks nobody for a result, so a Redis that is away costs one failed try, not twenty seconds of them."""

from collections.abc import Iterator

import pytest
from celery import current_app

from sunusav.core.wake_ups import retry_broker_now, wake
from tests.support.broker import broker_at

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def results_nowhere() -> Iterator[None]:
    """Results go to the broker's Redis, as in production, and that is away."""
    before = current_app.conf.result_backend
    current_app.conf["result_backend"] = NOWHERE
    retry_broker_now()
    with broker_at(NOWHERE):
        yield
    current_app.conf["result_backend"] = before
    retry_broker_now()


@pytest.mark.django_db(transaction=True)
def test_ring_with_broker_and_result_store_away_only_warns(
    results_nowhere: None, caplog: pytest.LogCaptureFixture
) -> None:
    wake("room.work")

    assert [(line.name, line.levelname) for line in caplog.records] == [("sunusav.core.wake_ups", "WARNING")]
