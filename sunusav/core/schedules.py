"""Schedules are rows people may edit: a deploy creates what is missing and overrides nothing."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


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
class ScheduledTask:
    """One row of the schedule as it is shipped; `name` is its identity."""

    name: str
    task: str
    when: Every | Daily
    queue: str | None = None


def shipped_schedule() -> list[ScheduledTask]:
    """Return the project's schedule (named in settings, since it stands above this floor)."""
    schedule: list[ScheduledTask] = import_string(settings.SCHEDULE)
    return schedule


def sync_schedules() -> list[str]:
    """Create the rows that are missing and return their names; one that exists is left as it is."""
    known = set(PeriodicTask.objects.values_list("name", flat=True))
    missing = [row for row in shipped_schedule() if row.name not in known]
    for row in missing:
        _create(row)
    return [row.name for row in missing]


def _create(row: ScheduledTask) -> None:
    fields: dict[str, object] = {"name": row.name, "task": row.task, "queue": row.queue}
    if isinstance(row.when, Every):
        fields["interval"], _ = IntervalSchedule.objects.get_or_create(
            every=row.when.seconds, period=IntervalSchedule.SECONDS
        )
        # A worker that was away finds one message of each kind, not a heap.
        fields["expire_seconds"] = row.when.seconds
    else:
        fields["crontab"], _ = CrontabSchedule.objects.get_or_create(
            hour=str(row.when.hour), minute=str(row.when.minute), day_of_week="*", day_of_month="*",
            month_of_year="*", timezone=settings.TIME_ZONE,
        )  # fmt: skip
    PeriodicTask.objects.create(**fields)
