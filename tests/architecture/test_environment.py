"""Every variable that the settings read is explained in env.example, and compose sets no other."""

import re
from pathlib import Path
from typing import Any

import environ
import pytest
import yaml
from django.conf import settings

from lightning.access_scopes import AccessScope, uris_of
from sandbox.launch import WORKERS
from sunusav.core.schedules import shipped_schedule
from sunusav.settings.database import database_settings

ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = ["migrate", "web", "payouts-worker", "worker", "beat", "listener", "flower"]


def test_env_example_names_every_variable_that_settings_read() -> None:
    read = {
        name
        for path in (ROOT / "sunusav" / "settings").glob("*.py")
        for name in re.findall(r"""\benv(?:\.\w+)?\(\s*["']([A-Z_]+)["']""", path.read_text())
    }

    assert sorted(read - NAMED) == []
    assert "MONETIZATION_DATABASE_URL" in read


def test_copy_of_env_example_sets_no_secret_and_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", values)

    environ.Env.read_env(ROOT / "env.example")

    assert values["PORT"] == "8001"
    assert not {name for name in values if re.search("SECRET|_KEY$|_URL$", name)}


@pytest.mark.parametrize("service", OURS)
def test_compose_sets_only_variables_of_env_example(service: str) -> None:
    assert set(COMPOSE["services"][service]["environment"]) - NAMED == {"DJANGO_SETTINGS_MODULE"}


def test_compose_gives_the_paying_macaroon_to_the_payouts_worker_alone() -> None:
    holders = [
        name
        for name in OURS
        if {"LND_PAYING_MACAROON_PATH", "LND_PAYING_MACAROON_HEX"}
        & set(COMPOSE["services"][name]["environment"])
    ]

    assert holders == ["payouts-worker"]


@pytest.mark.parametrize("errand", AccessScope)
def test_compose_bakes_each_macaroon_with_the_needed_rights_and_no_other(errand: AccessScope) -> None:
    baking = " ".join(COMPOSE["services"]["lnd-keys"]["command"])
    uris = re.search(r"bake (\w+) ([^;]*);", baking[baking.index(f"bake {errand}") :])

    assert uris is not None
    assert tuple(uris[2].split()) == uris_of(errand)


@pytest.mark.parametrize("errand", AccessScope)
def test_every_errand_can_be_given_by_path_or_as_hex(errand: AccessScope) -> None:
    assert {f"LND_{errand.name}_MACAROON_{form}" for form in ("PATH", "HEX")} <= NAMED


def _workers() -> dict[str, set[str]]:
    """Return the node names of compose's Celery workers, each with its queues."""
    commands = [str(COMPOSE["services"][name].get("command", "")).split() for name in OURS]
    return {
        words[words.index("-n") + 1]: set(words[words.index("-Q") + 1].split(","))
        for words in commands
        if "worker" in words
    }


def test_compose_and_the_demo_have_the_same_workers_whose_queues_are_their_own() -> None:
    """Slow payments hold up no other task, and every queue that a task is sent to has a worker."""
    demo = {f"{name}@%h": set(queues.split(",")) for name, queues in WORKERS.items()}
    queues = [queue for of_one in _workers().values() for queue in of_one]
    used = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    used |= {task.queue for task in shipped_schedule()}

    assert _workers() == demo
    assert demo["payouts@%h"] == {"payouts"}
    assert len(queues) == len(set(queues))
    assert used <= set(queues)


def test_half_of_each_web_servers_threads_never_wait_for_payouts() -> None:
    files = [ROOT / "Dockerfile", ROOT / "sandbox" / "launch.py"]
    threads = [
        int(found)
        for file in files
        for found in re.findall(r"""--blocking-threads[", ]+(\d+)""", file.read_text())
    ]

    assert len(threads) == len(files)
    assert min(threads) >= 2 * settings.PAYOUT_WAITERS


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql"])
def test_database_url_of_env_example_reaches_compose_from_the_host(scheme: str) -> None:
    url = f"{scheme}://sunusav:sunusav_password@localhost:3307/sunusav_monetization"
    database = database_settings(url, sqlite_file=Path("unused"))

    assert database["ENGINE"] == "django.db.backends.mysql"
    assert (database["HOST"], database["PORT"]) == ("127.0.0.1", 3307)
    assert COMPOSE["services"]["mysql"]["ports"] == [f"127.0.0.1:{database['PORT']}:3306"]
    assert COMPOSE["services"]["mysql"]["environment"]["MYSQL_DATABASE"] == database["NAME"]
