"""`python -m tests.live_lnd.regtest build|serve`: build the programs; run the network until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
import sys
import time

from tests.live_lnd.backends import environment_of, own_backend
from tests.live_lnd.regtest.network import running_network
from tests.live_lnd.regtest.programs import ProgramsMissing, build, find_programs
from tests.support import process


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tests.live_lnd.regtest")
    arguments.add_argument("what", choices=["build", "serve"])
    what = arguments.parse_args().what
    try:
        build() if what == "build" else serve()
    except ProgramsMissing as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def serve() -> None:
    """Print the variables with which the suite uses these nodes, and keep them running."""
    with process.folder("lnd") as folder, running_network(folder, find_programs()) as network:
        for name, value in environment_of(own_backend(network)).items():
            print(f"export {name}={shlex.quote(value)}")
        print(f"# data and logs: {folder}; Ctrl-C stops the nodes and removes them", flush=True)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    sys.exit(main())
