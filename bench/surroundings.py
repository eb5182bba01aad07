"""The servers of a bench: private, on free loopback ports, deleted at the end."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sandbox.lnd.process import SimulatorProcess
from tests.support import process
from tests.support.mariadb import mariadb
from tests.support.redis import redis

ROOT = Path(__file__).resolve().parent.parent
SECRET = "bench-secret-key-0123456789-0123456789-0123456789-0123456789"


@contextmanager
def surroundings(*, flush_log_at_commit: int = 1, options: Sequence[str] = ()) -> Iterator[dict[str, str]]:
    """Run a MariaDB, crash-safe by default, a Redis and two simulated nodes; yield the environment that names them."""
    with (
        mariadb(flush_log_at_commit=flush_log_at_commit, options=options) as database,
        redis() as cache,
        process.folder("bench") as folder,
        SimulatorProcess(folder / "lnd") as simulator,
    ):
        node = simulator.node("platform")
        (folder / "static").mkdir()
        yield {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "bench.full_settings",
            "PYTHONPATH": str(ROOT),
            "BENCH_FOLDER": str(folder),
            "SUNUSAV_STATE_DIR": str(folder),
            "MONETIZATION_DATABASE_URL": database.url(),
            "CACHE_URL": cache.url(),
            # Wake-ups reach no worker: the benches call the engine themselves.
            "CELERY_BROKER_URL": "memory://localhost",
            "CELERY_RESULT_BACKEND": "cache+memory://",
            "BENCH_BROKER_URL": cache.url(1),
            "LND_HOST": node.target,
            "LND_NETWORK": "regtest",
            "LND_TLS_CERT_PATH": str(node.tls_cert_path),
            "LND_READONLY_MACAROON_PATH": str(node.macaroon_paths["monitoring"]),
            "LND_INVOICING_MACAROON_PATH": str(node.macaroon_paths["invoicing"]),
            "LND_PAYING_MACAROON_PATH": str(node.macaroon_paths["paying"]),
            "CRASH_CONTROL_PORT": str(_control_port(simulator)),
            "SECRET_KEY": SECRET,
            "INVOICE_PREIMAGE_KEY": "55" * 32,
            "FIELD_ENCRYPTION_KEY": "66" * 32,
            "ALLOWED_HOSTS": "127.0.0.1",
            "FALLBACK_RATE_MOVES_FRANCS": "true",
            "LOG_LEVEL": "WARNING",
            "GRPC_VERBOSITY": "NONE",
        }


def _control_port(simulator: SimulatorProcess) -> int:
    ready = json.loads((simulator.folder / "ready.json").read_text())
    return int(ready["control_port"])
