"""A wake-up is sent after the commit; without a broker it is dropped and logged."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from celery.signals import after_task_publish
from django.db import transaction

from sunusav.core.wake_ups import retry_broker_now, wake, wake_for
from tests.support.broker import broker_at, published


@pytest.fixture(autouse=True)
def answering() -> Iterator[None]:
    retry_broker_now()
    yield
    retry_broker_now()


@pytest.fixture
def woken() -> Iterator[list[tuple[str, list[str]]]]:
    """Collect what is published to Celery's in-memory broker."""
    with published() as messages:
        yield messages


@pytest.fixture
def starts() -> Iterator[list[datetime | None]]:
    """Collect when workers may start what is published to Celery's in-memory broker."""
    published: list[datetime | None] = []

    def receive(headers: Any = None, **more: Any) -> None:
        eta = headers["eta"]
        published.append(eta and datetime.fromisoformat(eta))

    after_task_publish.connect(receive)
    with broker_at("memory://"):
        yield published
    after_task_publish.disconnect(receive)


@pytest.mark.django_db(transaction=True)
def test_wake_sends_after_the_commit(woken: list[Any]) -> None:
    with transaction.atomic():
        wake("app.work", "42")
        assert woken == []
    assert woken == [("app.work", ["42"])]


@pytest.mark.django_db(transaction=True)
def test_wake_in_a_transaction_rolled_back_sends_nothing(woken: list[Any]) -> None:
    with transaction.atomic():
        wake("app.work")
        transaction.set_rollback(True)
    assert woken == []


@pytest.mark.django_db(transaction=True)
def test_wake_in_seconds_starts_that_long_after_the_commit(starts: list[datetime | None]) -> None:
    wake("app.work")
    with transaction.atomic():
        wake("app.work", in_seconds=30)
        committing = datetime.now(UTC)
    at_once, later = starts
    assert at_once is None
    assert later is not None
    assert later >= committing + timedelta(seconds=30)


@pytest.mark.django_db(transaction=True)
def test_wake_for_subject_sends_the_task_of_its_kind_or_of_the_fact(woken: list[Any]) -> None:
    wake_for("contribution:17")
    wake_for("cycle:c-1")
    wake_for("cycle:c-1", fact="withdrawal")
    assert woken == [("payouts.record_ready_cycles", ["17"]), ("payouts.take_withdrawals", ["c-1"])]


@pytest.mark.django_db(transaction=True)
def test_wake_without_a_broker_is_logged_once_and_returns_at_once(caplog: pytest.LogCaptureFixture) -> None:
    started = datetime.now(UTC)
    with broker_at("redis://127.0.0.1:1/0"):
        for _ in range(3):
            wake("app.work")
    assert datetime.now(UTC) - started < timedelta(seconds=2)
    assert caplog.text.count("app.work was not woken") == 1


@pytest.mark.django_db(transaction=True)
def test_wake_soon_after_a_failure_sends_nothing(woken: list[Any]) -> None:
    with broker_at("redis://127.0.0.1:1/0"):
        wake("app.work")
    wake("app.work")
    assert woken == []
    retry_broker_now()
    wake("app.work")
    assert woken == [("app.work", [])]


def test_tasks_are_serialized_as_json_only() -> None:
    assert current_app.conf.accept_content == ["json"]
    assert current_app.conf.task_serializer == "json"
