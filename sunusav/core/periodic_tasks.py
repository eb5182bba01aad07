"""Types for the `schedule.py` of apps. Settings read schedules, so nothing here imports Django."""

from dataclasses import dataclass

DEFAULT_QUEUE = "default"


@dataclass(frozen=True)
class Every:
    """Run every so many seconds."""

    seconds: int


@dataclass(frozen=True)
class Daily:
    """Run once a day at this hour and minute, Dakar time."""

    hour: int
    minute: int


@dataclass(frozen=True)
class Monthly:
    """Run once a month on this day at this hour and minute, Dakar time."""

    day: int
    hour: int
    minute: int


@dataclass(frozen=True)
class PeriodicTask:
    """A task, when it runs and on which queue. `name` identifies its row, which operators may edit.

    `arguments` are what the task is given. A worker runs a watched task by itself when no message for it arrives.
    Payments, the books or their control depend on a vital task; a watched one is vital.
    """

    name: str
    task: str
    when: Every | Daily | Monthly
    queue: str = DEFAULT_QUEUE
    arguments: tuple[str, ...] = ()
    is_watched: bool = False
    is_needed: bool = False

    @property
    def is_vital(self) -> bool:
        return self.is_watched or self.is_needed
