"""`python -m sandbox.lnd --dir DIR --node platform:10009 --node wallets:10010`: serve until SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from sandbox.lnd import macaroons
from sandbox.lnd.control_calls import ControlCalls
from sandbox.lnd.control_server import ControlServer
from sandbox.lnd.serving import NodeServer, PortTaken
from sandbox.lnd.world import PREFIXES, NodeConfig, World

MSAT_PER_SAT = 1000
READY_FILE = "ready.json"
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.lnd", description="Simulated LND nodes.")
    parser.add_argument(
        "--dir", type=Path, required=True, help="folder of the state, certificates and macaroons"
    )
    parser.add_argument(
        "--node", action="append", required=True, metavar="NAME[:PORT[:LOCAL_SATS[:REMOTE_SATS]]]"
    )
    parser.add_argument("--control-port", type=int, default=0, help="0: a free port, written to ready.json")
    parser.add_argument("--network", choices=sorted(PREFIXES), default="regtest")
    parser.add_argument("--local-sats", type=int, default=1_000_000_000)
    parser.add_argument("--remote-sats", type=int, default=1_000_000_000)
    parser.add_argument("--reserve-sats", type=int, default=0)
    parser.add_argument(
        "--parent-pid", type=int, default=0, metavar="PID", help="exit when this parent process exits"
    )
    # LND's default forwarding policy
    parser.add_argument("--fee-base-msat", type=int, default=1_000)
    parser.add_argument("--fee-ppm", type=int, default=1)
    parser.add_argument(
        "--direct", action="store_true", help="a channel with each payee: routes of one hop, without fees"
    )
    return parser.parse_args(arguments)


def node_config(text: str, defaults: argparse.Namespace) -> tuple[NodeConfig, int]:
    """Read one --node: its config and its port."""
    name, port, local_sats, remote_sats = [*text.split(":"), "", "", ""][:4]
    config = NodeConfig(
        name=name,
        local_msat=int(local_sats or defaults.local_sats) * MSAT_PER_SAT,
        remote_msat=int(remote_sats or defaults.remote_sats) * MSAT_PER_SAT,
        reserve_msat=defaults.reserve_sats * MSAT_PER_SAT,
        fee_base_msat=defaults.fee_base_msat,
        fee_ppm=defaults.fee_ppm,
        direct=defaults.direct,
    )
    return config, int(port or 0)


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Lock the folder: two processes on one database would each keep their own copy in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"another simulated node runs in {folder}")
        yield


def write_ready_file(world: World, servers: dict[str, NodeServer], control: ControlServer) -> None:
    nodes = {
        name: {
            "port": servers[name].port,
            "pubkey": node.pubkey.hex(),
            "tls_cert": str(node.folder / "tls.cert"),
            "macaroons": {kind: str(node.folder / f"{kind}.macaroon") for kind in macaroons.BAKED},
        }
        for name, node in world.nodes.items()
    }
    ready = {"pid": os.getpid(), "network": world.network, "control_port": control.port, "nodes": nodes}
    written = world.folder / f"{READY_FILE}.new"
    written.write_text(json.dumps(ready, indent=1))
    written.rename(world.folder / READY_FILE)


def serve(options: argparse.Namespace) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    configs = [node_config(text, options) for text in options.node]
    world = World(options.dir, network=options.network, nodes=[config for config, _port in configs])
    world.start()
    servers = {config.name: NodeServer(world.node(config.name), port) for config, port in configs}
    control = ControlServer(ControlCalls(world, servers).routes(), options.control_port)
    for server in servers.values():
        server.start()
    control.start()
    write_ready_file(world, servers, control)
    stop.wait()
    (options.dir / READY_FILE).unlink(missing_ok=True)
    for server in servers.values():
        server.stop(goodbye=True)
    control.stop()
    world.close()


def exit_with_parent(pid: int) -> None:
    """Have the kernel send us SIGTERM when our parent exits or is killed. Linux only.

    Set here and not by the parent between fork and exec, because gRPC does not support a fork in the parent.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != pid:  # it exited before the call above
        sys.exit(f"the parent {pid} is gone")


def main(arguments: list[str]) -> None:
    options = read_arguments(arguments)
    if options.parent_pid:
        exit_with_parent(options.parent_pid)
    with folder_lock(options.dir):
        try:
            serve(options)
        except (PortTaken, OSError) as error:
            sys.exit(f"cannot serve: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
