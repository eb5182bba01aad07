"""What an app's `schedule.py` is written with. Settings read schedules: no Django here."""

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
class PeriodicTask:
    """A task, when it runs and on which queue. `name` identifies its row in the database; operators may edit that."""

    name: str
    task: str
    when: Every | Daily
    queue: str = DEFAULT_QUEUE
