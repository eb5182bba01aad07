"""Bootstrap, on machines where something is missing."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import bootstrap

ROOT = Path(__file__).resolve().parent.parent.parent
Installed = list[list[str]]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Installed:
    """The commands that bootstrap would run, as root on a machine with apt."""
    commands: Installed = []
    monkeypatch.setattr(bootstrap, "LOG", tmp_path / "log")
    monkeypatch.setattr(bootstrap, "run", lambda command, **_: commands.append(command))
    monkeypatch.setattr(shutil, "which", lambda program, **_: f"/usr/bin/{program}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return commands


def _remove_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "find", lambda _: None)
    monkeypatch.setattr(bootstrap, "has_python_headers", lambda: False)
    monkeypatch.setattr(bootstrap, "UNPACKED_MARIADB", Path("/nowhere"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


def test_missing_system_packages_of_bare_machine_are_all(monkeypatch: pytest.MonkeyPatch) -> None:
    _remove_everything(monkeypatch)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"

    assert bootstrap.missing_system_packages(databases=True) == [
        f"python{version}-venv",
        "gcc",
        "libc6-dev",
        f"python{version}-dev",
        "libmariadb-dev",
        "pkg-config",
        "mariadb-server-core",
        "mariadb-client-core",
    ]


def test_missing_system_packages_for_make_run_need_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    _remove_everything(monkeypatch)

    assert "mariadb-server-core" not in bootstrap.missing_system_packages(databases=False)


def test_install_system_packages_as_root_updates_then_installs_without_recommends(
    commands: Installed,
) -> None:
    bootstrap.install_system_packages(["gcc", "pkg-config"])

    update, install = commands
    assert update[-1] == "update"
    assert install[-5:] == ["install", "-y", "--no-install-recommends", "gcc", "pkg-config"]


@pytest.mark.parametrize(("databases", "installed"), [(True, ["chromium"]), (False, [])])
def test_browser_for_tests_is_installed_alone_where_it_is_missing(
    commands: Installed, monkeypatch: pytest.MonkeyPatch, databases: bool, installed: list[str]
) -> None:
    current = {bootstrap.DEVELOPMENT: bootstrap.digest(bootstrap.DEVELOPMENT), bootstrap.DRIVER: "installed"}
    monkeypatch.setattr(bootstrap, "read_stamp", lambda: current)
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(bootstrap, "has_mariadb", lambda: True)
    monkeypatch.setattr(bootstrap, "succeeds", lambda _: True)
    monkeypatch.setattr(bootstrap, "find", lambda program: None if program == "chromium" else "/usr/bin/it")

    bootstrap.prepare(bootstrap.DEVELOPMENT, databases=databases)

    assert [command[-1] for command in commands] == installed


def test_install_system_packages_as_other_user_prints_them_and_runs_nothing(
    commands: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    bootstrap.install_system_packages(["gcc", "pkg-config"])

    assert commands == []
    assert "not on this machine: gcc, pkg-config" in capsys.readouterr().out


def test_install_system_packages_refused_by_apt_continues_and_prints_why(
    commands: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(command: list[str], **_: object) -> None:
        bootstrap.LOG.write_text("E: Unable to locate package gcc\n")
        raise subprocess.CalledProcessError(100, command)

    monkeypatch.setattr(bootstrap, "run", refuse)

    bootstrap.install_system_packages(["gcc"])

    assert "Unable to locate package gcc" in capsys.readouterr().out


def test_install_driver_without_headers_prints_what_is_missing(
    commands: Installed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _remove_everything(monkeypatch)

    bootstrap.install_driver(bootstrap.RUNTIME, {})

    assert commands == []
    assert "without the MySQL driver" in capsys.readouterr().out


def test_locked_splits_a_package_from_the_rest() -> None:
    alone = bootstrap.locked(bootstrap.RUNTIME, only=bootstrap.DRIVER)
    others = bootstrap.locked(bootstrap.RUNTIME, without=bootstrap.DRIVER)

    assert alone.startswith("mysqlclient==")
    assert "--hash=sha256:" in alone
    assert "\nmysqlclient==" not in others
    assert others.count("==") + alone.count("==") == bootstrap.locked(bootstrap.RUNTIME).count("==")


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_read_stamp_of_interrupted_install_is_empty(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    (tmp_path / "stamp").write_text(content)

    assert bootstrap.read_stamp() == {}


def test_unsupported_python_ends_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(SystemExit) as ended:
        bootstrap.use_supported_python()

    assert str(ended.value) == (
        "bootstrap: Python 3.11, 3.12 or 3.13 is needed, and python3 is 3.10. Install one of them."
    )


def test_bootstrap_uses_only_the_standard_library() -> None:
    code = "import runpy, sys; runpy.run_path('sandbox/bootstrap.py', run_name='bootstrap')"

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=ROOT, capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr.decode()
