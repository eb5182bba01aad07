"""The variables that each settings module reads from the environment, and the dotted paths in its values."""

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from celery import current_app
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from tests.architecture.code import ROOT, import_everything

MODULES = ["production", "local", "test"]
NAMED = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / "env.example").read_text(), re.MULTILINE))
# Imports the settings without any variable of the environment; a variable that has no default gets a made-up value.
IMPORT_SETTINGS = """
import json, sys
import environ
asked, read = set(), environ.Env.get_value
def recorded(self, var, *args, **kwargs):
    asked.add(var)
    if kwargs.get("default", args[1] if len(args) > 1 else self.NOTSET) is self.NOTSET:
        self.ENVIRON.setdefault(var, "given")
    return read(self, var, *args, **kwargs)
environ.Env.get_value = recorded
environ.Env.ENVIRON = {"SUNUSAV_STATE_DIR": sys.argv[2]}
environ.Env.read_env = lambda *args, **kwargs: None
from importlib import import_module
module = import_module("sunusav.settings." + sys.argv[1])
values = {name: value for name, value in vars(module).items() if name.isupper()}
print(json.dumps({"asked": sorted(asked), "values": values}, default=str))
"""


@cache
def _imported(module: str) -> dict[str, Any]:
    """Return the variables that a settings module asks for, and its settings."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    with TemporaryDirectory() as state:
        done = subprocess.run(
            [sys.executable, "-c", IMPORT_SETTINGS, module, state],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
    imported: dict[str, Any] = json.loads(done.stdout)
    return imported


def _texts(value: Any) -> set[str]:
    """Return every text in a setting, at any depth; keys are names, not values."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(_texts, value)) if isinstance(value, list) else set()


def _dotted_paths(module: str) -> set[str]:
    values = _imported(module)["values"]
    texts = _texts(values) - {
        values["AUTH_USER_MODEL"]
    }  # the label of a model, which Django resolves at boot
    return {text for text in texts if re.fullmatch(r"[A-Za-z_]\w*(?:[.:][A-Za-z_]\w*)+", text)}


def _resolves(path: str) -> bool:
    """Return whether this is a task, the name of a URL, a module or something in a module."""
    return path in current_app.tasks or _is_url_name(path) or _is_importable(path.replace(":", "."))


def _is_url_name(path: str) -> bool:
    try:
        reverse(path)
    except NoReverseMatch:
        return False
    return True


def _is_importable(path: str) -> bool:
    for load in (import_string, import_module):
        with suppress(ImportError):
            load(path)
            return True
    return False


@pytest.mark.parametrize("module", MODULES)
def test_import_settings_asks_only_for_variables_of_env_example(module: str) -> None:
    asked = set(_imported(module)["asked"])

    assert sorted(asked - NAMED) == []
    assert "MONETIZATION_DATABASE_URL" in asked


@pytest.mark.parametrize("module", MODULES)
def test_dotted_paths_in_settings_resolve(module: str) -> None:
    import_everything()
    paths = _dotted_paths(module)

    assert {"lightning.rail.LightningRail", "sunusav.api.problems.exception_handler"} <= paths
    assert sorted(path for path in paths if not _resolves(path)) == []


@pytest.mark.parametrize("module", ["production", "local"])
def test_rate_sources_are_named_and_resolve(module: str) -> None:
    sources = _imported(module)["values"]["RATE_SOURCES"]

    assert len(sources) == 3
    assert {import_string(path).__module__ for path in sources} == {"ledger.rates.sources"}
