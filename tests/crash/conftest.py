"""Fixtures that run the driver in a separate process, on the test's database and a simulated node."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from sandbox.lnd.process import SimulatorProcess
from tests.support.database import url_of
from tests.support.lightning import forking, settings_of

DRIVER_SECONDS = 900
Drive = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(tmp_path_factory.mktemp("crash-lnd")) as process:
        yield process


@pytest.fixture
def drive(transactional_db: None, simulator: SimulatorProcess, settings: Settings) -> Drive:
    """Run a scenario of the driver and return the report it prints."""
    ready = json.loads((simulator.folder / "ready.json").read_text())
    environment = {
        **forking(),
        **settings_of(simulator),
        "MONETIZATION_DATABASE_URL": url_of(settings.DATABASES["default"]),
        "CRASH_CONTROL_PORT": str(ready["control_port"]),
        "DJANGO_SETTINGS_MODULE": "sunusav.settings.test",
        "GRPC_VERBOSITY": "NONE",
    }

    def run(*arguments: object, seconds: int = DRIVER_SECONDS) -> dict[str, Any]:
        command = [sys.executable, "-m", "tests.crash.driver", *map(str, arguments)]
        done = subprocess.run(
            command, check=False, env=environment, capture_output=True, text=True, timeout=seconds
        )
        assert done.returncode == 0, done.stderr[-4000:]
        report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        print(json.dumps(report, indent=1))  # shown when the test fails
        return report

    return run
