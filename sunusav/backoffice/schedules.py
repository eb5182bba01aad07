"""Schedules: rows that Celery beat reads and operators edit. Shipped rows can be disabled, not deleted."""

from typing import Any

from celery import current_app
from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget

from sunusav.backoffice.admins import BackofficeAdmin, person_of
from sunusav.backoffice.facts import mono
from sunusav.backoffice.money import NOTHING
from sunusav.backoffice.packages import unregister_models
from sunusav.backoffice.schedule_times import TimesForm, show_times
from sunusav.backoffice.sections import Box, Section
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock, phrasing, trail
from sunusav.core.actors import Actor
from sunusav.core.schedules import shipped_schedule

unregister_models(PeriodicTask, CrontabSchedule, IntervalSchedule, SolarSchedule, ClockedSchedule)


def known_tasks() -> list[str]:
    """Return the names of our own tasks, scheduled or not."""
    current_app.loader.import_default_modules()
    registered = {name for name in current_app.tasks if not name.startswith("celery.")}
    return sorted(registered | {row.task for row in shipped_schedule()})


def known_queues() -> list[str]:
    """Return the queues that have a worker: those of the apps' schedules."""
    return sorted({settings.CELERY_TASK_DEFAULT_QUEUE, *(task.queue for task in shipped_schedule())})


def is_shipped(task: Any) -> bool:
    """Return whether an app ships this row in its `schedule.py`."""
    return task is not None and task.name in {row.name for row in shipped_schedule()}


def is_vital(task: Any) -> bool:
    """Return whether payments, the books or their control depend on this task."""
    return task is not None and task.name in {row.name for row in shipped_schedule() if row.is_vital}


class ScheduleForm(TimesForm):
    """When a known task runs. No field for arguments, headers or routing keys: none of our periodic tasks takes any."""

    task = forms.ChoiceField(label=_("Task"), widget=UnfoldAdminSelectWidget)
    queue = forms.ChoiceField(label=_("Queue"), required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = PeriodicTask
        fields = ["name", "task", "queue", "enabled", "description"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("enabled", "description"):
            if name in self.fields:
                self.fields[name].help_text = ""
        if "task" in self.fields:
            self.fields["task"].choices = [(name, name) for name in known_tasks()]  # type: ignore[attr-defined]
        if "queue" in self.fields:
            self.fields["queue"].choices = [(name, name) for name in known_queues()]  # type: ignore[attr-defined]


@admin.register(PeriodicTask)
class ScheduleAdmin(BackofficeAdmin):
    form = ScheduleForm
    list_display = ("title", "task_code", "enabled", "runs", "queue_code", "last_run_at")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab", "solar", "clocked")
    search_fields = ("name", "task")
    search_help_text = _("The exact name or task.")
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "task", "queue", "enabled", "description")}),
        (
            _("When"),
            {
                "fields": ("unit", "every", "at", "day", "last_run"),
                "description": _("A change takes effect at once."),
            },
        ),
    )
    readonly_fields = ("last_run",)

    @admin.display(description=_("last run"), empty_value=NOTHING)
    def last_run(self, task: PeriodicTask) -> Any:
        return task.last_run_at

    @admin.display(description=_("name"), ordering="name")
    def title(self, task: Any) -> str:
        return phrasing.known_label(task.name) or task.name

    @admin.display(description=_("Task"))
    def task_code(self, task: Any) -> Any:
        return mono(task.task)

    @admin.display(description=_("Queue"))
    def queue_code(self, task: Any) -> Any:
        return mono(task.queue)

    @admin.display(description=_("When"))
    def runs(self, task: Any) -> str:
        return show_times(task)

    def name_of(self, row: Any) -> str:
        return self.title(row)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show a shipped row by its name in the reader's language: `name` is what `sync_schedules` finds it by."""
        (title, options), *others = super().get_fieldsets(request, obj)
        if not is_shipped(obj):
            return [(title, options), *others]
        return [(title, {"fields": ("task_code", "queue_code", "enabled", "description")}), *others]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make name, task and queue of shipped rows read-only: `sync_schedules` finds rows by their name."""
        shipped = ("name", "task", "queue", "task_code", "queue_code") if is_shipped(obj) else ()
        return (*super().get_readonly_fields(request, obj), *shipped)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not is_shipped(obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        self._record(
            request, obj, "edit_schedule", {name: str(form.cleaned_data[name]) for name in form.changed_data}
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._record(request, obj, "delete_schedule", {"task": obj.task})
        super().delete_model(request, obj)

    def _record(self, request: HttpRequest, task: Any, action: str, facts: dict[str, Any]) -> None:
        trail.record(
            subject=f"schedule:{task.name}"[:120], action=action, actor=Actor.of(person_of(request)),
            at=clock.now(), facts=facts,
        )  # fmt: skip

    def box(self, request: HttpRequest, row: Any) -> Box | None:
        """Warn of a task on which money depends."""
        if not is_vital(row):
            return None
        text = _(
            "Payments, the books or their control stop when it does not run. Pause outgoing money instead."
        )
        return Box(_("This task is vital"), text, tone="attention" if row.enabled else "alarm")

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        return [timeline_of([f"schedule:{row.name}"[:120]])]
