"""The product's own processes: their environment, their commands, and when they serve."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.lnd.process import NodeAddress
from sandbox.process_tree import ProcessTree

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
# Payments have their own worker, so that slow ones cannot occupy the threads of other tasks; so have webhooks, which
# come in bursts, and audits and exports, which read long tables.
PAYING_WORKER = "payouts"
WORKERS = {
    PAYING_WORKER: "payouts",
    "webhooks": "webhooks",
    "default": "default,settlements",
    "reports": "reports",
}


class DidNotServe(Exception):
    """A process ended at its start, or the API does not answer; the message has the end of its log."""


@dataclass(frozen=True)
class Servers:
    """Web, workers, beat and listener on one database, one broker, one Lightning node and simulated partners.

    `partners` is what every process needs to call them, `paying` what the worker that pays needs besides.
    """

    state: Path
    port: int
    database_url: str
    broker_url: str
    node: NodeAddress
    partners: Mapping[str, str] = field(default_factory=dict)
    paying: Mapping[str, str] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return the environment of the processes that must not pay."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "sunusav.settings.local",
            "SUNUSAV_STATE_DIR": str(self.state),
            "MONETIZATION_DATABASE_URL": self.database_url,
            "CELERY_BROKER_URL": self.broker_url,
            "CELERY_RESULT_BACKEND": self.broker_url,
            "CACHE_URL": self.broker_url,
            "PUBLIC_BASE_URL": os.environ.get("PUBLIC_BASE_URL") or f"http://localhost:{self.port}",
            "LND_HOST": self.node.target,
            "LND_NETWORK": "regtest",
            "LND_TLS_CERT_PATH": str(self.node.tls_cert_path),
            "LND_INVOICING_MACAROON_PATH": str(self.node.macaroon_paths["invoicing"]),
            "LND_READONLY_MACAROON_PATH": str(self.node.macaroon_paths["monitoring"]),
            "LND_PAYING_MACAROON_PATH": "",
            "RATE_SOURCES": "sandbox.rates.Pinned",
            "GRPC_VERBOSITY": "NONE",
            "PYTHONUNBUFFERED": "1",
            **self.partners,
            # Set, so that the file of the demo's settings, which has them for `manage.py`, does not give them.
            **dict.fromkeys(self.paying, ""),
        }

    def paying_environment(self) -> dict[str, str]:
        """Return the environment of the worker that pays, and of commands that ask the node about payments."""
        return {
            **self.environment(),
            "LND_PAYING_MACAROON_PATH": str(self.node.macaroon_paths["paying"]),
            **self.paying,
        }

    def start(self, tree: ProcessTree) -> None:
        """Start every process; `wait_until_serving` returns when the API answers."""
        level = ["-l", os.environ.get("LOG_LEVEL") or "WARNING"]
        tree.start("web", self._web(), self.environment())
        for name, command in self._workers(level):
            # Only this worker has the macaroon that can pay.
            paying = name == f"worker-{PAYING_WORKER}"
            tree.start(name, command, self.paying_environment() if paying else self.environment())
        tree.start("beat", [*celery(), "beat", *level, "--pidfile="], self.environment())
        tree.start("listener", [sys.executable, "manage.py", "listen_invoices"], self.environment())

    def manage(self, *arguments: str) -> None:
        """Run a command of `manage.py` as an operator would. Raises: subprocess.CalledProcessError."""
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.paying_environment(),
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def wait_until_serving(self, tree: ProcessTree) -> None:
        """Wait until the API answers. Raises: DidNotServe."""
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            if (name := tree.ended()) is not None:
                raise DidNotServe(f"{name} did not start:\n{tree.log_tail(name)}")
            if answers(f"{self.base_url}/health"):
                return
            time.sleep(0.1)
        raise DidNotServe(f"{self.base_url} does not answer after {START_SECONDS:.0f} s")

    def _web(self) -> list[str]:
        options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        return [
            str(binaries() / "granian"),
            *options,
            *("--blocking-threads", "16", "--no-ws", "sunusav.wsgi:application"),
        ]

    def _workers(self, level: list[str]) -> Iterator[tuple[str, list[str]]]:
        for name, queues in WORKERS.items():
            options = ["-P", "threads", "-c", "8", "-n", f"{name}@%h", "-Q", queues]
            yield f"worker-{name}", [*celery(), "worker", *options, *level]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def celery() -> list[str]:
    return [str(binaries() / "celery"), "-A", "sunusav"]


def binaries() -> Path:
    return Path(sys.executable).parent
