"""The locked requirements satisfy pyproject.toml; no registry is queried."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME: list[str] = PROJECT["dependencies"]
DEVELOPMENT: list[str] = PROJECT["optional-dependencies"]["dev"]
FILES = {"requirements.txt": RUNTIME, "requirements-dev.txt": RUNTIME + DEVELOPMENT}


def _entries(name: str) -> list[str]:
    text = (ROOT / name).read_text()
    return [entry for entry in re.split(r"\n(?=[A-Za-z0-9])", text) if not entry.startswith("#")]


def _pins(name: str) -> dict[str, str]:
    pins = (re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?==(\S+)", entry) for entry in _entries(name))
    return {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}


@pytest.mark.parametrize("name", FILES)
def test_lock_meets_every_range_of_pyproject(name: str) -> None:
    pins = _pins(name)

    unmet = [
        wanted
        for wanted in map(Requirement, FILES[name])
        if not wanted.specifier.contains(pins.get(canonicalize_name(wanted.name), "0"))
    ]

    assert unmet == []


@pytest.mark.parametrize("name", FILES)
def test_lock_pins_and_hashes_every_package(name: str) -> None:
    entries = _entries(name)

    assert len(_pins(name)) == len(entries) > len(FILES[name])
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("name", FILES)
def test_lock_names_no_address(name: str) -> None:
    assert not re.search(r"://|--index-url|--find-links|--trusted-host", (ROOT / name).read_text())


def test_development_and_runtime_locks_agree() -> None:
    runtime, development = _pins("requirements.txt"), _pins("requirements-dev.txt")

    assert {name: development.get(name) for name in runtime} == runtime
