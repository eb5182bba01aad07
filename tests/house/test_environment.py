"""Every variable that the settings read is explained in env.example, and compose sets no other."""

import re
from pathlib import Path
from typing import Any

import environ
import pytest
import yaml

from sunusav.settings.database import database_settings

ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = ["migrate", "web", "worker", "beat", "listener", "flower"]


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


def test_compose_gives_the_paying_macaroon_to_workers_alone() -> None:
    holders = [
        name for name in OURS if "LND_PAYING_MACAROON_PATH" in COMPOSE["services"][name]["environment"]
    ]

    assert holders == ["worker"]


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql"])
def test_database_url_of_env_example_reaches_compose_from_the_host(scheme: str) -> None:
    url = f"{scheme}://sunusav:sunusav_password@localhost:3307/sunusav_monetization"
    settings = database_settings(url, sqlite_file=Path("unused"))

    assert settings["ENGINE"] == "django.db.backends.mysql"
    assert (settings["HOST"], settings["PORT"]) == ("127.0.0.1", 3307)
    assert COMPOSE["services"]["mysql"]["ports"] == [f"127.0.0.1:{settings['PORT']}:3306"]
    assert COMPOSE["services"]["mysql"]["environment"]["MYSQL_DATABASE"] == settings["NAME"]
