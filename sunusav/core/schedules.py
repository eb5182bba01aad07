"""Schedules are rows that operators may edit: a deployment creates missing rows and overwrites none."""

import json

from django.conf import settings
from django_celery_beat.models import CrontabSchedule, IntervalSchedule
from django_celery_beat.models import PeriodicTask as PeriodicTaskRow

from sunusav.core.app_modules import collect
from sunusav.core.periodic_tasks import Daily, Every, Monthly, PeriodicTask


def shipped_schedule() -> list[PeriodicTask]:
    """Return the periodic tasks of every installed app."""
    return collect("schedule", "SCHEDULE")


def sync_schedules() -> list[str]:
    """Create missing rows and return their names; existing rows keep what an operator changed."""
    known = set(PeriodicTaskRow.objects.values_list("name", flat=True))
    missing = [task for task in shipped_schedule() if task.name not in known]
    for task in missing:
        _create(task)
    return [task.name for task in missing]


def is_switched_off(task: str) -> bool:
    """Return whether operators have disabled every schedule of a task."""
    enabled = list(PeriodicTaskRow.objects.filter(task=task).values_list("enabled", flat=True))
    return bool(enabled) and not any(enabled)


def _create(task: PeriodicTask) -> None:
    fields: dict[str, object] = {
        "name": task.name, "task": task.task, "queue": task.queue, "args": json.dumps(task.arguments),
    }  # fmt: skip
    if isinstance(task.when, Every):
        fields["interval"], _ = IntervalSchedule.objects.get_or_create(
            every=task.when.seconds, period=IntervalSchedule.SECONDS
        )
        # A worker that was unavailable finds one message of each task, not one per missed run.
        fields["expire_seconds"] = task.when.seconds
    else:
        fields["crontab"] = _at(task.when)
    PeriodicTaskRow.objects.create(**fields)


def _at(when: Daily | Monthly) -> CrontabSchedule:
    day = str(when.day) if isinstance(when, Monthly) else "*"
    schedule, _ = CrontabSchedule.objects.get_or_create(
        hour=str(when.hour), minute=str(when.minute), day_of_week="*", day_of_month=day, month_of_year="*",
        timezone=settings.TIME_ZONE,
    )  # fmt: skip
    return schedule
