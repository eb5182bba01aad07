"""`python -m bench [NAME ...] [--quick]`: start the servers of each bench, run it, stop them."""

import argparse
import subprocess
import sys
from typing import Any

from bench.surroundings import ROOT, surroundings

BENCHES = ("quote", "payout", "growth", "celery_payouts", "once", "posting", "bolt11", "lists", "settlements")
# Benches with settings of their own.
SETTINGS = {
    "posting": "bench.ledger_settings",
    "lists": "bench.list_settings",
    "settlements": "bench.list_settings",
}
# Servers of their own kind: a million payouts or fees are filled in fast, and nothing is kept.
SERVERS: dict[str, dict[str, Any]] = {
    "lists": {
        "flush_log_at_commit": 0,
        "options": ("--skip-log-bin", "--innodb-buffer-pool-size=6G", "--innodb-log-file-size=2G"),
    },
    "settlements": {
        "flush_log_at_commit": 0,
        "options": ("--skip-log-bin", "--innodb-buffer-pool-size=2G", "--innodb-log-file-size=1G"),
    },
}
ROUNDS, QUICK_ROUNDS = 5, 2


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the ratios on this machine."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all, if none")
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds: a first look, not a result"
    )
    parser.add_argument("--rounds", type=int, default=0, help=f"at least {ROUNDS} for a result")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"no bench is called {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    statuses = [run(name, rounds) for name in BENCHES if name in (options.names or BENCHES)]
    return max(statuses)


def run(name: str, rounds: int) -> int:
    """Run one bench in a separate process, with separate servers."""
    if name == "bolt11":
        return subprocess.run([sys.executable, "-m", "bench.bolt11_decode"], check=False, cwd=ROOT).returncode
    with surroundings(**SERVERS.get(name, {})) as environment:
        environment["DJANGO_SETTINGS_MODULE"] = SETTINGS.get(name, environment["DJANGO_SETTINGS_MODULE"])
        command = [sys.executable, "-m", "bench.inside", name, str(rounds)]
        return subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
