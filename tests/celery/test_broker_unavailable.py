"""A wake-up waits for no result, so an unreachable Redis costs one failed attempt and not twenty seconds of retries."""

from collections.abc import Iterator

import pytest
from celery import current_app

from sunusav.core.wake_ups import retry_broker_now, wake
from tests.support.broker import broker_at

NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture
def no_result_store() -> Iterator[None]:
    """Put broker and results on an address where no Redis is, as when production's Redis is down."""
    before = current_app.conf.result_backend
    current_app.conf["result_backend"] = NO_REDIS
    retry_broker_now()
    with broker_at(NO_REDIS):
        yield
    current_app.conf["result_backend"] = before
    retry_broker_now()


@pytest.mark.django_db(transaction=True)
def test_wake_without_broker_and_result_store_logs_one_warning(
    no_result_store: None, caplog: pytest.LogCaptureFixture
) -> None:
    wake("app.work")

    assert [(line.name, line.levelname) for line in caplog.records] == [("sunusav.core.wake_ups", "WARNING")]
