"""`python -m bench.inside NAME ROUNDS`: set Django up, migrate, and run one bench against its servers."""

import sys
from importlib import import_module

import django
from django.core.management import call_command

from sunusav.core import clock


def main(name: str, rounds: int) -> int:
    django.setup()
    call_command("migrate", verbosity=0)
    _widen_limits()
    with import_module("tests.support.subjects").made_up_subjects():
        status: int = import_module(f"bench.{name}").main(rounds)
    return status


def _widen_limits() -> None:
    """Benches pay more in an hour than the limits of a new database allow."""
    import_module("tests.factories.limits").widen_limits(now=clock.now())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
