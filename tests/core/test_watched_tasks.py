"""A worker runs a watched task itself when it has not run it for too long."""

import logging
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask as PeriodicTaskRow

from sunusav.core.periodic_tasks import Daily, Every, PeriodicTask
from sunusav.core.schedules import is_switched_off, sync_schedules
from sunusav.core.watched_tasks import WatchedTasks, limits_of

SWEEP = "app.sweep"


class Seconds:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


def test_watched_task_runs_once_each_time_it_is_overdue(clock: Seconds) -> None:
    ran: list[str] = []
    watched = WatchedTasks({SWEEP: 60.0}, ran.append, clock=clock)
    counts = []
    for clock.now in (59.9, 60.0, 119.9, 120.0):
        watched.run_overdue()
        counts.append(len(ran))
    assert counts == [0, 1, 1, 2]


def test_watched_task_that_a_message_ran_is_not_overdue(clock: Seconds) -> None:
    ran: list[str] = []
    watched = WatchedTasks({SWEEP: 60.0}, ran.append, clock=clock)
    clock.now = 50.0
    watched.record_run(SWEEP)
    watched.record_run("app.another")
    for clock.now in (60.0, 109.9, 110.0):
        watched.run_overdue()
    assert ran == [SWEEP]


def test_failed_task_is_logged_and_delays_no_other(clock: Seconds, caplog: pytest.LogCaptureFixture) -> None:
    ran: list[str] = []

    def run(name: str) -> None:
        ran.append(name)
        if name == SWEEP:
            raise ValueError

    watched = WatchedTasks({SWEEP: 60.0, "app.second": 60.0}, run, clock=clock)
    clock.now = 60.0
    with caplog.at_level(logging.ERROR):
        watched.run_overdue()
    assert ran == [SWEEP, "app.second"]
    assert "app.sweep failed" in caplog.text


def test_limits_are_of_watched_tasks_of_these_queues() -> None:
    def task(name: str, when: Any, queue: str, *, is_watched: bool = True) -> PeriodicTask:
        return PeriodicTask(name, name, when, queue=queue, is_watched=is_watched)

    schedule = [
        task("often", Every(15), "ours"),
        task("rarely", Every(300), "ours"),
        task("daily", Daily(2, 30), "ours"),
        task("elsewhere", Every(15), "theirs"),
        task("unwatched", Every(15), "ours", is_watched=False),
    ]
    assert limits_of(schedule, queues={"ours", "default"}) == {"often": 60.0, "rarely": 600.0}


@pytest.mark.django_db
def test_task_is_switched_off_when_all_its_schedules_are() -> None:
    sync_schedules()
    rows = PeriodicTaskRow.objects.filter(task="transfers.run_due")
    assert not is_switched_off("transfers.run_due")
    rows.filter(pk=rows.order_by("pk")[0].pk).update(enabled=False)
    assert not is_switched_off("transfers.run_due")
    rows.update(enabled=False)
    assert is_switched_off("transfers.run_due")
    assert not is_switched_off("app.without_schedule")
