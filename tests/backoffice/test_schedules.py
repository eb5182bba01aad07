from typing import Any

import pytest
from django.utils import translation
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from sunusav.backoffice.schedule_times import show_times
from sunusav.backoffice.schedules import is_vital, known_tasks
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role, sync_roles
from sunusav.core.schedules import shipped_schedule, sync_schedules
from tests.backoffice.conftest import Enter

BASE = "/admin/django_celery_beat/periodictask/"


@pytest.fixture
def row(db: None) -> PeriodicTask:
    sync_roles()
    sync_schedules()
    return PeriodicTask.objects.get(name="process due payouts")


def _form(row: PeriodicTask, **fields: Any) -> dict[str, Any]:
    return {"description": "", "unit": "minutes", "every": 10, "enabled": "on", **fields}


def test_operator_edits_a_schedule_and_a_deployment_keeps_it(row: PeriodicTask, enter: Enter) -> None:
    response = enter(Role.OPERATOR).post(f"{BASE}{row.pk}/change/", _form(row, every=20))

    line = TrailEntry.objects.get(action="edit_schedule")
    sync_schedules()
    row.refresh_from_db()
    assert response.status_code == 302
    assert (row.interval.every, row.interval.period, row.expire_seconds) == (1_200, "seconds", 1_200)
    assert (line.subject, line.actor_label) == (f"schedule:{row.name}", "a-operator")
    assert line.facts["every"] == "20"


def test_operator_disables_a_task(row: PeriodicTask, enter: Enter) -> None:
    enter(Role.OPERATOR).post(f"{BASE}{row.pk}/change/", _form(row, enabled=""))

    row.refresh_from_db()
    assert row.enabled is False


def test_name_task_queue_and_arguments_of_shipped_rows_cannot_be_changed(
    row: PeriodicTask, enter: Enter
) -> None:
    wanted = _form(
        row,
        name="mine",
        task="core.seal_trail",
        queue="reports",
        args='["x"]',
        kwargs='{"a": 1}',
        headers='{"a": 1}',
    )
    enter(Role.OPERATOR).post(f"{BASE}{row.pk}/change/", wanted)

    kept = PeriodicTask.objects.get(pk=row.pk)
    assert (kept.name, kept.task, kept.queue) == (row.name, "transfers.run_due", "payouts")
    assert (kept.args, kept.kwargs, kept.headers) == ("[]", "{}", "{}")


def test_shipped_rows_are_never_deleted(row: PeriodicTask, enter: Enter) -> None:
    for role in (Role.OPERATOR, None):
        assert enter(role).post(f"{BASE}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert PeriodicTask.objects.count() == len(shipped_schedule())


def test_only_known_tasks_are_offered(row: PeriodicTask, enter: Enter) -> None:
    client = enter(None)
    form = _form(row, name="mine", task="os.system", queue="default")

    assert (
        "os.system is not one of the available choices" in client.post(f"{BASE}add/", form).content.decode()
    )
    assert client.post(f"{BASE}add/", {**form, "task": "core.seal_trail"}).status_code == 302
    assert PeriodicTask.objects.get(name="mine").task == "core.seal_trail"
    assert {row.task for row in shipped_schedule()} <= set(known_tasks())
    assert not any(name.startswith("celery.") for name in known_tasks())


def test_no_task_is_run_from_the_list(row: PeriodicTask, enter: Enter) -> None:
    client = enter(None)

    for action in ("run_tasks", "disable_tasks", "delete_selected"):
        client.post(BASE, {"action": action, "_selected_action": [row.pk]})
    assert PeriodicTask.objects.filter(enabled=True).count() == len(shipped_schedule())


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"unit": "day", "at": "02:30"}, ("30", "2", "*")),
        ({"unit": "month", "day": 1, "at": "03:00"}, ("0", "3", "1")),
    ],
)
def test_fixed_times_are_stored_as_a_crontab_of_dakar(
    row: PeriodicTask, enter: Enter, given: dict[str, Any], stored: tuple[str, str, str]
) -> None:
    response = enter(Role.OPERATOR).post(f"{BASE}{row.pk}/change/", _form(row, every="", **given))

    row.refresh_from_db()
    assert response.status_code == 302
    assert row.crontab is not None
    assert (row.crontab.minute, row.crontab.hour, row.crontab.day_of_month) == stored
    assert (str(row.crontab.timezone), row.interval, row.expire_seconds) == ("Africa/Dakar", None, None)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"unit": "minutes", "every": ""}, "This field is required"),
        ({"unit": "day", "at": ""}, "This field is required"),
        ({"unit": "month", "at": "03:00", "day": ""}, "This field is required"),
        ({"unit": "month", "at": "03:00", "day": 31}, "less than or equal to 28"),
        ({"unit": "hours", "every": 169}, "At most a week lies between two runs."),
        ({"unit": "minutes", "every": 0}, "greater than or equal to 1"),
    ],
)
def test_times_that_mean_nothing_are_refused_and_change_nothing(
    row: PeriodicTask, enter: Enter, given: dict[str, Any], refusal: str
) -> None:
    before = row.interval_id

    page = enter(Role.OPERATOR).post(f"{BASE}{row.pk}/change/", _form(row, **given)).content.decode()

    row.refresh_from_db()
    assert refusal in page
    assert row.interval_id == before


def test_crontab_of_another_shape_is_kept_until_a_time_is_chosen(row: PeriodicTask, enter: Enter) -> None:
    odd = CrontabSchedule.objects.create(minute="*/7", hour="8-17")
    PeriodicTask.objects.filter(pk=row.pk).update(crontab=odd, interval=None)

    response = enter(Role.OPERATOR).post(
        f"{BASE}{row.pk}/change/", _form(row, unit="", every="", description="kept")
    )

    row.refresh_from_db()
    assert (response.status_code, row.crontab_id, row.description) == (302, odd.pk, "kept")


def test_times_are_said_in_words_in_both_languages(row: PeriodicTask) -> None:
    def said(**fields: Any) -> list[str]:
        task = PeriodicTask(**fields)
        english = show_times(task)
        with translation.override("fr"):
            return [english, show_times(task)]

    def every(seconds: int) -> IntervalSchedule:
        return IntervalSchedule(every=seconds, period="seconds")

    assert said(interval=every(10)) == ["every 10 s", "toutes les 10 s"]
    assert said(interval=every(300)) == ["every 5 min", "toutes les 5 min"]
    assert said(interval=every(3600)) == ["every hour", "toutes les heures"]
    assert said(crontab=CrontabSchedule(minute="30", hour="2")) == [
        "every day at 2:30 a.m.",
        "chaque jour à 02:30",
    ]
    assert said(crontab=CrontabSchedule(minute="0", hour="3", day_of_month="1")) == [
        "on the 1st of each month at 3 a.m.", "le 1er de chaque mois à 03:00",
    ]  # fmt: skip


def test_page_of_a_vital_task_warns(row: PeriodicTask, enter: Enter) -> None:
    client = enter(Role.OPERATOR)
    rate = PeriodicTask.objects.get(name="refresh the exchange rate")

    assert "This task is vital" in client.get(f"{BASE}{row.pk}/change/").content.decode()
    assert "This task is vital" not in client.get(f"{BASE}{rate.pk}/change/").content.decode()
    assert sorted(task.name for task in PeriodicTask.objects.all() if is_vital(task)) == [
        "ask about open collections", "audit the books (fast)", "audit the books (full)", "follow webhooks of partners",
        "look at what rails can send", "match the rails", "process due payouts", "ready check", "seal the books",
        "seal the trail", "sweep open attempts, due retries and unclaimed orders", "take redeemed withdrawals",
    ]  # fmt: skip
