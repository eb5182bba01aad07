"""The variables of env.example, what compose makes of them, and the processes that compose and `make run` start."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import environ
import pytest
import yaml
from django.conf import settings

from lightning.access_scopes import AccessScope, uris_of
from sandbox.lnd.process import NodeAddress
from sandbox.process_tree import ProcessTree
from sandbox.servers import WORKERS, Servers
from sunusav.core.schedules import shipped_schedule
from sunusav.settings.database import database_settings

ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = [
    "migrate",
    "web",
    "payouts-worker",
    "webhooks-worker",
    "worker",
    "reports-worker",
    "beat",
    "listener",
    "flower",
]


def test_copy_of_env_example_sets_no_secret_and_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    values: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", values)

    environ.Env.read_env(ROOT / "env.example")

    assert values["PORT"] == "8001"
    assert not {name for name in values if re.search("SECRET|_KEY$|_URL$", name)}


def test_compose_starts_every_service_again_that_ends_but_those_that_run_once() -> None:
    ending = {
        name for name, service in COMPOSE["services"].items() if service.get("restart") != "unless-stopped"
    }

    assert ending == {"migrate", "lnd-keys"}


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


@pytest.mark.parametrize("scope", AccessScope)
def test_compose_bakes_each_macaroon_with_exactly_the_needed_rights(scope: AccessScope) -> None:
    baking = " ".join(COMPOSE["services"]["lnd-keys"]["command"])
    uris = re.search(r"bake (\w+) ([^;]*);", baking[baking.index(f"bake {scope}") :])

    assert uris is not None
    assert tuple(uris[2].split()) == uris_of(scope)


@pytest.mark.parametrize("scope", AccessScope)
def test_macaroon_of_every_scope_is_given_by_path_or_as_hex(scope: AccessScope) -> None:
    assert {f"LND_{scope.name}_MACAROON_{form}" for form in ("PATH", "HEX")} <= NAMED


def _workers() -> dict[str, set[str]]:
    """Return the node names of compose's Celery workers, each with its queues."""
    commands = [str(COMPOSE["services"][name].get("command", "")).split() for name in OURS]
    return {
        words[words.index("-n") + 1]: set(words[words.index("-Q") + 1].split(","))
        for words in commands
        if "worker" in words
    }


def test_compose_and_the_demo_have_the_same_workers_whose_queues_are_their_own() -> None:
    """Slow payments delay no other task, and every queue that a task is sent to has a worker."""
    demo = {f"{name}@%h": set(queues.split(",")) for name, queues in WORKERS.items()}
    queues = [queue for of_one in _workers().values() for queue in of_one]
    used = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    used |= {task.queue for task in shipped_schedule()}

    assert _workers() == demo
    assert demo["payouts@%h"] == {"payouts"}
    assert len(queues) == len(set(queues))
    assert used <= set(queues)


class RecordingTree:
    """Takes the commands of `make run` and starts none."""

    def __init__(self) -> None:
        self.commands: dict[str, list[str]] = {}

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.commands[name] = command


def _image_command() -> list[str]:
    """Return what the image runs: the last CMD of the Dockerfile, a shell and its script."""
    commands = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("CMD ")]
    shell, option, script = json.loads(commands[-1].removeprefix("CMD "))
    assert (shell, option) == ("sh", "-c")
    return shlex.split(script)


def _sandbox_command() -> list[str]:
    tree = RecordingTree()
    macaroons = {name: Path(name) for name in ("paying", "invoicing", "monitoring")}
    node = NodeAddress("platform", "127.0.0.1:10009", "", Path("tls.cert"), macaroons)
    Servers(Path("state"), 8001, "", "", node).start(cast("ProcessTree", tree))
    return tree.commands["web"]


@pytest.mark.parametrize("command", [_image_command, _sandbox_command])
def test_web_server_keeps_half_of_its_threads_for_requests_that_wait_for_no_payout(
    command: Callable[[], list[str]],
) -> None:
    words = command()
    threads = int(words[words.index("--blocking-threads") + 1])

    assert threads >= 2 * settings.PAYOUT_WAITERS


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql"])
def test_database_url_of_env_example_reaches_compose_from_the_host(scheme: str) -> None:
    url = f"{scheme}://sunusav:sunusav_password@localhost:3307/sunusav_monetization"
    database = database_settings(url, sqlite_file=Path("unused"))

    assert database["ENGINE"] == "sunusav.core.mysql"
    assert (database["HOST"], database["PORT"]) == ("127.0.0.1", 3307)
    assert COMPOSE["services"]["mysql"]["ports"] == [f"127.0.0.1:{database['PORT']}:3306"]
    assert COMPOSE["services"]["mysql"]["environment"]["MYSQL_DATABASE"] == database["NAME"]
