"""A doorbell rings after the commit, and losing it loses nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from celery.signals import after_task_publish
from django.db import transaction

from sunusav.core.wake_ups import answer_again, wake, wake_for
from tests.support.broker import broker_at


@pytest.fixture(autouse=True)
def answering() -> Iterator[None]:
    answer_again()
    yield
    answer_again()


@pytest.fixture
def woken() -> Iterator[list[tuple[str, list[str]]]]:
    """What was really published, to Celery's in-memory broker."""
    received_answer: list[tuple[str, list[str]]] = []

    def hear(sender: str = "", body: Any = None, **more: Any) -> None:
        received_answer.append((sender, list(body[0])))

    after_task_publish.connect(hear)
    with broker_at("memory://"):
        yield received_answer
    after_task_publish.disconnect(hear)


@pytest.mark.django_db(transaction=True)
def test_ring_waits_for_the_commit(woken: list[Any]) -> None:
    with transaction.atomic():
        wake("room.work", "42")
        assert woken == []
    assert woken == [("room.work", ["42"])]


@pytest.mark.django_db(transaction=True)
def test_ring_is_silent_when_the_transaction_is_undone(woken: list[Any]) -> None:
    with transaction.atomic():
        wake("room.work")
        transaction.set_rollback(True)
    assert woken == []


@pytest.mark.django_db(transaction=True)
def test_ring_for_a_subject_rings_the_task_of_its_kind(woken: list[Any], settings: Any) -> None:
    settings.SUBJECT_WAKE_UPS = {"contribution": "payouts.record_ready_cycles"}
    wake_for("contribution:17")
    wake_for("cycle:c-1")
    assert woken == [("payouts.record_ready_cycles", ["17"])]


@pytest.mark.django_db(transaction=True)
def test_broker_that_is_away_is_logged_and_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    started = datetime.now(UTC)
    with broker_at("redis://127.0.0.1:1/0"):
        for _ in range(3):
            wake("room.work")
    assert datetime.now(UTC) - started < timedelta(seconds=2)
    assert caplog.text.count("doorbell room.work not rung") == 1


@pytest.mark.django_db(transaction=True)
def test_doorbells_stay_silent_for_a_moment_after_the_broker_went_away(woken: list[Any]) -> None:
    with broker_at("redis://127.0.0.1:1/0"):
        wake("room.work")
    wake("room.work")
    assert woken == []
    answer_again()
    wake("room.work")
    assert woken == [("room.work", [])]


def test_tasks_travel_as_json_only() -> None:
    assert current_app.conf.accept_content == ["json"]
    assert current_app.conf.task_serializer == "json"
