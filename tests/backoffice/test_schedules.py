from typing import Any

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from sunusav.backoffice.schedules import known_tasks
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
    return {
        "description": "", "interval": row.interval_id, "crontab": "", "expire_seconds": 600, "enabled": "on",
        **fields,
    }  # fmt: skip


def test_operator_edits_a_schedule_and_a_deployment_keeps_it(row: PeriodicTask, enter: Enter) -> None:
    slower = IntervalSchedule.objects.create(every=1_200, period=IntervalSchedule.SECONDS)

    response = enter(Role.OPERATOR).post(f"{BASE}{row.pk}/change/", _form(row, interval=slower.pk))

    line = TrailEntry.objects.get(action="edit_schedule")
    sync_schedules()
    row.refresh_from_db()
    assert response.status_code == 302
    assert row.interval_id == slower.pk
    assert (line.subject, line.actor_label) == (f"schedule:{row.name}", "a-operator")
    assert "interval" in line.facts


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
