"""Print as JSON what the project shows of the tiny app. Run in a process of its own: `python -m` this module."""

import json
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.architecture.tiny.settings"
os.environ["MONETIZATION_DATABASE_URL"] = "sqlite://:memory:"

import django

django.setup()

from typing import Any

from celery import current_app
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment
from rest_framework.test import APIClient

from sunusav.api.health import components
from sunusav.backoffice.refusals import show_refusal
from sunusav.core import clock
from sunusav.core.models import TrailEntry
from sunusav.core.roles import Role, sync_roles
from sunusav.core.schedules import sync_schedules
from sunusav.core.subjects import label
from tests.architecture.tiny.errors import TreeAlreadyPlanted
from tests.factories.users import client_in, make_user


def main() -> None:
    setup_test_environment()
    call_command("migrate", verbosity=0)
    created, roles = sync_schedules(), sync_roles()
    current_app.loader.import_default_modules()
    platform: APIClient = client_in(Role.PLATFORM)
    operator: APIClient = client_in(Role.OPERATOR)
    planted, refused = platform.post("/monetization/trees/t-2"), platform.post("/monetization/trees/t-1")
    auditor = Client()
    auditor.force_login(make_user(Role.AUDITOR, is_staff=True))
    entry = TrailEntry.objects.get(subject="tree:t-2")
    print(
        json.dumps(
            {
                "statuses": [planted.status_code, refused.status_code],
                "problem": refused.json(),
                "problem_page": "A tree can be planted once."
                in _text(Client().get("/problems/tree-already-planted")),
                "refusal": show_refusal(TreeAlreadyPlanted(tree_id="t-1")).text,
                "schedule_row": "water the trees" in created,
                "route": settings.CELERY_TASK_ROUTES["tiny.water_trees"],
                "task": "tiny.water_trees" in current_app.tasks,
                "inbox": "Trees that need water" in _text(auditor.get("/admin/")),
                "trail": "a tree was planted"
                in _text(auditor.get(f"/admin/core/trailentry/{entry.pk}/change/")),
                "subject": label("tree:t-2"),
                "health": components(now=clock.now())["soil"],
                "metrics": "sunusav_trees 7" in _text(operator.get("/metrics")),
                "platform_permissions": roles["platform"],
            }
        )
    )


def _text(response: Any) -> str:
    return str(response.content.decode())


if __name__ == "__main__":
    main()
