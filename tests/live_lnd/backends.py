"""The back-ends: two simulated nodes; two real ones, from the LND_TEST_* variables or started by the suite."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lightning.access_scopes import NEEDED
from lightning.client import AccessScope, LndClient, NodeAccess
from lightning.proto import methods
from lightning.proto.methods import Method
from sandbox.lnd.process import SimulatorProcess
from tests.live_lnd.regtest.network import Regtest
from tests.live_lnd.regtest.node import NETWORK as NETWORK_NAME
from tests.live_lnd.regtest.node import LndNode

SIMULATED, REAL = BACKENDS = ("simulated", "real")
PAYER, RECIPIENT = "payer", "recipient"
NETWORK = "LND_TEST_NETWORK"
VARIABLES = (
    *(
        f"LND_TEST_{role}_{what}"
        for role in ("PAYER", "RECIPIENT")
        for what in ("HOST", "TLS_CERT_PATH", "MACAROON_PATH")
    ),
    NETWORK,
)
# The methods that the suite calls besides those of the access scope: own invoices, and hold invoices.
PAYER_METHODS = (*NEEDED[AccessScope.PAYING], methods.ADD_INVOICE, methods.CANCEL_INVOICE)
RECIPIENT_METHODS = (*NEEDED[AccessScope.INVOICING], methods.ADD_HOLD_INVOICE, methods.SETTLE_INVOICE)


class PartlyConfigured(Exception):
    """Only some of the variables are set."""


@dataclass(frozen=True)
class Backend:
    """Two nodes with a channel between them.

    `process` when they are simulated; `restart` kills the payer, starts it again and waits until it can pay. Without it
    the nodes are somebody else's, and the suite restarts nothing.
    """

    name: str
    payer: NodeAccess
    recipient: NodeAccess
    process: SimulatorProcess | None = None
    restart: Callable[[], None] | None = None

    @cached_property
    def version(self) -> str:
        """Return the payer's version, such as 0.21.2-beta."""
        return LndClient(self.payer).get_info().version.split()[0]

    def pass_time(self, seconds: int) -> None:
        """Advance the nodes' clock; for real nodes, wait."""
        if self.process is None:
            time.sleep(seconds)
        else:
            self.process.control.set_clock(advance_seconds=seconds)

    def reset_clock(self) -> None:
        if self.process is not None:
            self.process.control.set_clock()


def missing_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that given nodes still need; all of them when none is set.

    Raises: PartlyConfigured.
    """
    missing = [name for name in VARIABLES if not environment.get(name)]
    if missing and len(missing) < len(VARIABLES):
        raise PartlyConfigured(f"real nodes need {', '.join(missing)} as well")
    return missing


def given_backend(environment: Mapping[str, str] = os.environ) -> Backend:
    def access(role: str) -> NodeAccess:
        return NodeAccess(
            host=environment[f"LND_TEST_{role}_HOST"],
            network=environment[NETWORK],
            tls_cert_path=environment[f"LND_TEST_{role}_TLS_CERT_PATH"],
            macaroon_path=environment[f"LND_TEST_{role}_MACAROON_PATH"],
        )

    return Backend(REAL, access("PAYER"), access("RECIPIENT"))


def environment_of(backend: Backend) -> dict[str, str]:
    """Return the variables that name the nodes of a back-end."""
    accesses = {"PAYER": backend.payer, "RECIPIENT": backend.recipient}
    named = {
        f"LND_TEST_{role}_{what}": value
        for role, access in accesses.items()
        for what, value in (
            ("HOST", access.host),
            ("TLS_CERT_PATH", access.tls_cert_path),
            ("MACAROON_PATH", access.macaroon_path),
        )
    }
    return {**named, NETWORK: backend.payer.network}


def own_backend(network: Regtest) -> Backend:
    """Return the nodes of a network that the suite has started."""

    def access(node: LndNode, called: Iterable[Method[Any, Any]]) -> NodeAccess:
        return NodeAccess(
            host=node.grpc_host,
            network=NETWORK_NAME,
            tls_cert_path=str(node.certificate),
            macaroon_path=str(node.bake("contract", [f"uri:{method.path}" for method in called])),
        )

    return Backend(
        REAL,
        access(network.platform, PAYER_METHODS),
        access(network.wallets, RECIPIENT_METHODS),
        restart=network.restart_platform,
    )


@contextmanager
def simulated_backend(folder: Path) -> Iterator[Backend]:
    with SimulatorProcess(folder, (PAYER, RECIPIENT), extra_arguments=("--direct",)) as process:
        wanted = {PAYER: PAYER_METHODS, RECIPIENT: RECIPIENT_METHODS}
        baked = {
            name: process.control.bake_macaroon(name, [("uri", method.path) for method in called])
            for name, called in wanted.items()
        }

        def access(name: str) -> NodeAccess:
            address = process.node(name)
            return NodeAccess(
                host=address.target,
                network="regtest",
                tls_cert_path=str(address.tls_cert_path),
                macaroon_text=baked[name],
            )

        yield Backend(SIMULATED, access(PAYER), access(RECIPIENT), process, process.restart)
