"""Point the settings at a simulated node, as the environment does in production."""

import os
from dataclasses import replace
from typing import Any

from sandbox.lnd.process import NodeAddress, SimulatorProcess


def settings_of(process: SimulatorProcess, node: str = "platform") -> dict[str, Any]:
    """Return the LND_* settings of a simulated node."""
    address = process.node(node)
    paths = {**address.macaroon_paths, "readonly": address.macaroon_paths["monitoring"]}
    return settings_for(replace(address, macaroon_paths=paths))


def settings_for(address: NodeAddress) -> dict[str, str]:
    """Return the LND_* settings of a node, with the macaroon of each access scope."""
    macaroons = {
        f"LND_{scope.upper()}_MACAROON_PATH": str(address.macaroon_paths[scope])
        for scope in ("paying", "invoicing", "readonly")
    }
    return {
        "LND_HOST": address.target,
        "LND_NETWORK": "regtest",
        "LND_TLS_CERT_PATH": str(address.tls_cert_path),
        **macaroons,
    }


def forking() -> dict[str, str]:
    """Return the environment for a process that forks while it uses gRPC, as production's workers do."""
    return {name: value for name, value in os.environ.items() if name != "GRPC_ENABLE_FORK_SUPPORT"}
