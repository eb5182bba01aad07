"""Whatever dies, everybody is paid exactly once: by the node's own record, and the books agree."""

import json
import os
import subprocess
import sys

import pytest

from lightning.simulator.process import SimulatorProcess

pytestmark = [pytest.mark.mariadb, pytest.mark.slow]
DRIVER_SECONDS = 900


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    with SimulatorProcess(tmp_path_factory.mktemp("crash-lnd")) as process:
        yield process


@pytest.fixture
def drive(transactional_db, simulator, settings):
    """Run a scenario of the driver on this test's database."""
    database = settings.DATABASES["default"]
    node = simulator.node("platform")

    def run(*arguments):
        environment = {
            **os.environ,
            "MONETIZATION_DATABASE_URL": _url(database),
            "LND_HOST": node.target,
            "LND_NETWORK": "regtest",
            "LND_TLS_CERT_PATH": str(node.tls_cert_path),
            "LND_PAYING_MACAROON_PATH": str(node.macaroon_paths["paying"]),
            "CRASH_CONTROL_PORT": str(
                json.loads((simulator.folder / "ready.json").read_text())["control_port"]
            ),
            "DJANGO_SETTINGS_MODULE": "sunusav.settings.test",
            "GRPC_VERBOSITY": "NONE",
        }
        command = [sys.executable, "-m", "tests.crash.driver", *map(str, arguments)]
        done = subprocess.run(
            command, check=False, env=environment, capture_output=True, text=True, timeout=DRIVER_SECONDS
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run


def _url(database):
    return f"mysql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def test_worker_killed_at_every_step_of_a_payout_recovers_without_a_second_payment(drive):
    told = drive("every-step")

    assert told["payouts"] > 40, "the loop ends only when a worker outlived its fuse"
    assert told["wrong"] == []
    assert told["breaches"] == []


def test_workers_killed_at_random_while_paying_many_pay_each_once(drive):
    told = drive("random-kills", 24, 7)

    assert told["payouts"] == 24
    assert told["wrong"] == []
    assert told["breaches"] == []


def test_sixteen_workers_over_two_hundred_due_payouts_pay_each_once(drive):
    told = drive("many-workers", 16, 200)

    assert told["statuses"] == [0] * 16
    assert told["payouts"] == 200
    assert told["wrong"] == []
    assert told["breaches"] == []
