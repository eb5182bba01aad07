"""Workers run watched tasks by themselves when nobody else does: beat may have ended, or the broker lost its messages.

Each worker goes by what it ran itself, so that it depends on no other process and no shared state. Two workers may
run a task at the same time, which every task allows.
"""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import Any

from celery import bootsteps
from celery.signals import task_prerun
from django.db import close_old_connections, connections

from sunusav.core.periodic_tasks import Every, PeriodicTask
from sunusav.core.schedules import is_switched_off, shipped_schedule

CHECK_SECONDS = 5.0
# A watched task is overdue after this, or after twice its interval where that is longer.
OVERDUE_SECONDS = 60.0

logger = logging.getLogger(__name__)


class WatchedTasks:
    """Runs each watched task that this process has not run for too long, in a thread of its own."""

    def __init__(
        self,
        limits: Mapping[str, float],
        run: Callable[[str], object],
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._limits, self._run, self._clock = limits, run, clock
        self._ran_at = dict.fromkeys(limits, clock())
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run_until_done, daemon=True, name="watched-tasks")

    def start(self) -> None:
        task_prerun.connect(self._record, weak=False)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is running, as the worker does with the tasks of its pool."""
        self.terminate()
        self._thread.join()

    def terminate(self) -> None:
        self._done.set()
        task_prerun.disconnect(self._record)

    def record_run(self, name: str) -> None:
        if name in self._ran_at:
            self._ran_at[name] = self._clock()

    def run_overdue(self) -> None:
        """Run what is overdue, once each; what fails is tried again when it is overdue again."""
        for name, limit in self._limits.items():
            if self._clock() - self._ran_at[name] >= limit:
                self.record_run(name)
                logger.warning("%s did not run here for %.0f s; it runs without a message", name, limit)
                self._run_or_log(name)

    def _record(self, sender: Any = None, **more: Any) -> None:
        self.record_run(sender.name)

    def _run_or_log(self, name: str) -> None:
        try:
            self._run(name)
        except Exception:  # any error: the thread must go on
            logger.exception("%s failed", name)

    def _run_until_done(self) -> None:
        while not self._done.wait(CHECK_SECONDS):
            self.run_overdue()


class WatchedTasksStep(bootsteps.StartStopStep):
    """The part of a Celery worker that runs the watched tasks of its queues."""

    requires = ("celery.worker.components:Pool",)

    def create(self, worker: Any) -> Any:
        limits = limits_of(shipped_schedule(), queues=set(worker.app.amqp.queues.consume_from))
        return WatchedTasks(limits, lambda name: _run_here(worker.app.tasks[name]))


def limits_of(schedule: Collection[PeriodicTask], *, queues: Collection[str]) -> dict[str, float]:
    """Return the watched tasks of these queues, each with the seconds after which it is overdue."""
    return {
        task.task: max(OVERDUE_SECONDS, 2.0 * task.when.seconds)
        for task in schedule
        if task.is_watched and isinstance(task.when, Every) and task.queue in queues
    }


def _run_here(task: Any) -> None:
    """Run a task in this thread unless operators have switched it off, with a connection of its own."""
    close_old_connections()
    try:
        if not is_switched_off(task.name):
            task()
    finally:
        connections.close_all()
