"""A new app is its own folder and one line in the list of apps: nothing else is edited for it to appear everywhere."""

import json
import subprocess
import sys
from typing import Any

import pytest

from sunusav.settings.base import BASE_DIR


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """What the project shows with the tiny app installed, in a process that read its settings with it."""
    shown = subprocess.run(
        [sys.executable, "-m", "tests.architecture.tiny.facts"],
        cwd=BASE_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout.splitlines()[-1])
    return found


def test_its_url_answers_to_the_role_that_it_grants(facts: dict[str, Any]) -> None:
    assert facts["statuses"] == [201, 409]
    assert facts["platform_permissions"] > 0


def test_its_refusal_is_a_problem_with_a_page_and_a_phrase(facts: dict[str, Any]) -> None:
    problem = facts["problem"]

    assert (problem["type"], problem["tree_id"]) == ("/problems/tree-already-planted", "t-1")
    assert (problem["title"], problem["next"]) == ("The tree is planted already", "Choose another tree.")
    assert facts["problem_page"] is True
    assert facts["refusal"] == "Tree t-1 stands already. Choose another one. [tree-already-planted]"


def test_its_task_is_scheduled_on_its_own_queue(facts: dict[str, Any]) -> None:
    assert facts["schedule_row"] is True
    assert facts["task"] is True
    assert facts["route"] == {"queue": "gardens"}


def test_its_inbox_item_and_its_trail_label_are_in_the_back_office(facts: dict[str, Any]) -> None:
    assert facts["inbox"] is True
    assert facts["trail"] is True


def test_its_kind_of_subject_has_a_label(facts: dict[str, Any]) -> None:
    assert facts["subject"] == "tree t-2"


def test_its_health_and_metrics_are_collected(facts: dict[str, Any]) -> None:
    assert facts["health"] == {"status": "ok", "moisture": 40}
    assert facts["metrics"] is True
