"""When a periodic task runs, in words and as a form: every so often, every day at a time, every month on a day.

Celery beat stores intervals and crontabs in tables that tasks share. People choose a time here, and its row is found or
added. A crontab of another shape, written by hand, is shown as it is and kept until somebody chooses a time.
"""

from dataclasses import dataclass
from datetime import time
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils.formats import time_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleTimeWidget,
)

SECONDS, MINUTES, HOURS, DAY, MONTH = "seconds", "minutes", "hours", "day", "month"
REPEATS: Final = [
    (SECONDS, _("every so many seconds")),
    (MINUTES, _("every so many minutes")),
    (HOURS, _("every so many hours")),
    (DAY, _("every day at a time")),
    (MONTH, _("every month on a day, at a time")),
]
SECONDS_IN: Final = {SECONDS: 1, MINUTES: 60, HOURS: 3600}
MOST_SECONDS: Final = 7 * 24 * 3600
LAST_DAY_OF_ALL_MONTHS: Final = 28


@dataclass(frozen=True)
class Times:
    """When a task runs; `unit` is one of `REPEATS`. `at` is Dakar time."""

    unit: str
    every: int = 0
    at: time | None = None
    day: int = 0


def times_of(task: PeriodicTask) -> Times | None:
    """Return when a task runs; None for a crontab of another shape, or without times."""
    if task.interval is not None:
        return _interval(task.interval)
    return _crontab(task.crontab) if task.crontab is not None else None


def _interval(row: IntervalSchedule) -> Times:
    seconds = int(row.schedule.run_every.total_seconds())
    unit = next(unit for unit in (HOURS, MINUTES, SECONDS) if seconds % SECONDS_IN[unit] == 0)
    return Times(unit, every=seconds // SECONDS_IN[unit])


def _crontab(row: CrontabSchedule) -> Times | None:
    is_plain = row.day_of_week == row.month_of_year == "*" and row.hour.isdecimal() and row.minute.isdecimal()
    if not is_plain or not (row.day_of_month == "*" or row.day_of_month.isdecimal()):
        return None
    at = time(int(row.hour), int(row.minute))
    return Times(DAY, at=at) if row.day_of_month == "*" else Times(MONTH, at=at, day=int(row.day_of_month))


def show_times(task: PeriodicTask) -> str:
    """Say when a task runs: "every 5 min", "every day at 02:30"."""
    times = times_of(task)
    if times is None:
        return gettext("at the times %(crontab)s") % {"crontab": task.crontab} if task.crontab else "–"
    facts = {"count": times.every, "at": time_format(times.at) if times.at else "", "day": times.day}
    return _words(times) % facts


def _words(times: Times) -> str:
    if times.unit == SECONDS:
        return ngettext("every second", "every %(count)s s", times.every)
    if times.unit == MINUTES:
        return ngettext("every minute", "every %(count)s min", times.every)
    if times.unit == HOURS:
        return ngettext("every hour", "every %(count)s h", times.every)
    if times.unit == DAY:
        return gettext("every day at %(at)s")
    if times.day == 1:
        return gettext("on the 1st of each month at %(at)s")
    return gettext("on day %(day)s of each month at %(at)s")


class TimesForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs' parameter does not exist at run time
    """The fields that say when a task runs, and what they mean for the stored rows."""

    unit = forms.ChoiceField(label=_("Runs"), choices=REPEATS, widget=UnfoldAdminSelectWidget)
    every = forms.IntegerField(
        label=_("How many"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Seconds, minutes or hours between two runs."),
    )  # fmt: skip
    at = forms.TimeField(
        label=_("At"), required=False, widget=UnfoldAdminSingleTimeWidget, help_text=_("Dakar time.")
    )
    day = forms.IntegerField(
        label=_("On day"), required=False, min_value=1, max_value=LAST_DAY_OF_ALL_MONTHS,
        widget=UnfoldAdminIntegerFieldWidget, help_text=_("Of the month: 1 to 28."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        times = times_of(self.instance) if self.instance.pk else Times(MINUTES, every=5)
        if times:
            self.initial.update(
                unit=times.unit, every=times.every or None, at=times.at, day=times.day or None
            )
        else:  # another shape: kept unless a unit is chosen
            self.fields["unit"].required = False
            self.fields["unit"].choices = [("", _("as now")), *REPEATS]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        unit = cleaned.get("unit")
        if unit in SECONDS_IN:
            self._require(cleaned, "every")
            if (cleaned.get("every") or 0) * SECONDS_IN[unit] > MOST_SECONDS:
                self.add_error("every", _("At most a week lies between two runs."))
        elif unit:
            self._require(cleaned, "at")
            if unit == MONTH:
                self._require(cleaned, "day")
        return cleaned

    def _require(self, cleaned: dict[str, Any], name: str) -> None:
        if cleaned.get(name) is None and name not in self.errors:
            self.add_error(name, forms.Field.default_error_messages["required"])

    def _post_clean(self) -> None:
        """Set the times before the model is validated: a task has exactly one interval or crontab."""
        if not self.errors and self.cleaned_data["unit"]:
            self._store(self.cleaned_data["unit"], self.instance)
        super()._post_clean()  # type: ignore[misc]  # the stubs leave it out

    def _store(self, unit: str, task: PeriodicTask) -> None:
        """Point the task to the row of its times. A message of an interval expires when the next one is due."""
        task.interval = task.crontab = task.solar = task.clocked = None
        if unit in SECONDS_IN:
            seconds = self.cleaned_data["every"] * SECONDS_IN[unit]
            task.interval, _created = IntervalSchedule.objects.get_or_create(
                every=seconds, period=IntervalSchedule.SECONDS
            )
            task.expire_seconds = seconds
            return
        at = self.cleaned_data["at"]
        task.expire_seconds = None
        task.crontab, _created = CrontabSchedule.objects.get_or_create(
            hour=str(at.hour), minute=str(at.minute), day_of_week="*", month_of_year="*",
            day_of_month=str(self.cleaned_data["day"]) if unit == MONTH else "*", timezone=settings.TIME_ZONE,
        )  # fmt: skip
