"""Start all processes in order, run the scenario, serve until stopped, and stop all processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import environ

from sandbox.credentials import Credentials
from sandbox.lnd.process import SimulatorExited, SimulatorProcess
from sandbox.partners import Phones, SimulatedPartners
from sandbox.platform import CallRefused, Platform
from sandbox.ports import free_port, is_free
from sandbox.process_tree import ProcessTree
from sandbox.redis_server import redis_binary, redis_command
from sandbox.scenario import Scenario, ScenarioFailed
from sandbox.servers import DidNotServe, Servers, celery
from sandbox.simulator.process import PartnerDidNotStart

ROOT = Path(__file__).resolve().parent.parent
SETTINGS_FILE = "demo.env"
SHARED_SETTINGS = (
    "MONETIZATION_DATABASE_URL",
    "CELERY_BROKER_URL",
    "CELERY_RESULT_BACKEND",
    "PUBLIC_BASE_URL",
    "LND_HOST",
    "LND_NETWORK",
    "LND_TLS_CERT_PATH",
    "LND_INVOICING_MACAROON_PATH",
    "LND_READONLY_MACAROON_PATH",
    "LND_PAYING_MACAROON_PATH",
    "CACHE_URL",
    "RATE_SOURCES",
)


FAILURES = (
    CallRefused, DidNotServe, PartnerDidNotStart, ScenarioFailed, SimulatorExited, subprocess.CalledProcessError,
)  # fmt: skip


class CannotStart(Exception):
    """The demo cannot start; the message is shown to the user."""


class StopRequested(Exception):
    """Ctrl-C or SIGTERM."""


@dataclass
class Plan:
    """Where the data is, which ports are used, and whether to keep serving after the scenario."""

    state: Path
    port: int
    flower_port: int
    keeps_serving: bool
    database_url: str
    broker_url: str

    @classmethod
    def persistent(cls, state: Path, *, flower_port: int) -> Plan:
        environ.Env.read_env(ROOT / ".env")
        return cls(
            state=state,
            port=int(os.environ.get("PORT", "8001")),
            flower_port=int(os.environ.get("FLOWER_PORT", flower_port)),
            keeps_serving=True,
            database_url=os.environ.get("MONETIZATION_DATABASE_URL", ""),
            broker_url=os.environ.get("CELERY_BROKER_URL", ""),
        )

    @classmethod
    def temporary(cls, state: Path) -> Plan:
        return cls(state, free_port(), free_port(), keeps_serving=False, database_url="", broker_url="")

    def is_running(self) -> bool:
        return not is_free(self.port)


def launch(plan: Plan) -> int:
    """Run the demo and return the exit status. Raises: CannotStart."""
    for port, what, variable in ((plan.port, "the API", "PORT"), (plan.flower_port, "Flower", "FLOWER_PORT")):
        if not is_free(port):
            raise CannotStart(
                f"port {port} ({what}) is taken; stop the process that listens there, or set {variable}"
            )
    plan.state.mkdir(parents=True, exist_ok=True)
    tree = ProcessTree(plan.state / "logs")
    node, partners = SimulatorProcess(plan.state / "lnd"), SimulatedPartners(plan.state / "partners")
    _install_signal_handlers()
    try:
        return _run(plan, tree, node, partners)
    except StopRequested:
        return 0 if plan.keeps_serving else 1
    except FAILURES as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("stopping …")
        tree.stop()
        partners.stop()
        node.stop()
        (plan.state / "running").unlink(missing_ok=True)
        (plan.state / SETTINGS_FILE).unlink(missing_ok=True)


def _run(plan: Plan, tree: ProcessTree, node: SimulatorProcess, partners: SimulatedPartners) -> int:
    started = time.monotonic()
    (plan.state / "running").write_text(str(os.getpid()))
    _print_step("starting Redis, the simulated Lightning node and the simulated partners")
    broker_url = plan.broker_url or _start_redis(tree)
    node.start()
    partners.start(base_url=f"http://127.0.0.1:{plan.port}")
    servers = Servers(
        plan.state, plan.port, plan.database_url, broker_url, node.node("platform"),
        partners.environment(), partners.paying_environment(),
    )  # fmt: skip
    _write_settings_file(plan, servers)
    _print_step("migrating the database, seeding the demo")
    servers.manage("seed_demo")
    _print_step("starting web, workers, beat, listener and Flower")
    servers.start(tree)
    flower = ["flower", "--address=127.0.0.1", f"--port={plan.flower_port}"]
    tree.start("flower", [*celery(), *flower], servers.environment())
    servers.wait_until_serving(tree)
    credentials = Credentials.load(plan.state)
    platform = Platform(servers.base_url, credentials.tokens["platform"])
    scenario = Scenario(platform, node.control, Phones(), print_step=_print_step)
    scenario.run(prepares_example=plan.keeps_serving)
    _print_step(f"done in {time.monotonic() - started:.0f} s")
    if plan.keeps_serving:
        print(credentials.shown(port=plan.port, flower_port=plan.flower_port, pages=partners.pages()))
        _serve(tree)
    return 0


def _serve(tree: ProcessTree) -> NoReturn:
    """Keep every process running until StopRequested is raised: whatever ends is started again."""
    while True:
        for line in tree.restart_ended():
            print(line, file=sys.stderr, flush=True)
        time.sleep(0.5)


def _start_redis(tree: ProcessTree) -> str:
    binary = redis_binary()
    if binary is None:
        raise CannotStart("no Redis: install redis-server, or set CELERY_BROKER_URL")
    port = free_port()
    tree.start("redis", redis_command(binary, port), os.environ)
    return f"redis://127.0.0.1:{port}/0"


def _write_settings_file(plan: Plan, servers: Servers) -> None:
    """Write the settings with which `manage.py` reaches this demo while it runs; `settings/local.py` reads them."""
    environment = servers.paying_environment()
    settings = {name: environment[name] for name in (*SHARED_SETTINGS, *servers.partners, *servers.paying)}
    file = plan.state / SETTINGS_FILE
    file.touch(mode=0o600)
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items() if value))


def _install_signal_handlers() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise StopRequested

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _print_step(line: str) -> None:
    print(f"  · {line}", flush=True)
