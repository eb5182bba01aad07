"""`python -m bench.inside NAME ROUNDS`: one bench between its servers, with Django set up and the tables made."""

import sys
from importlib import import_module

import django
from django.core.management import call_command

from sunusav.core import clock


def main(name: str, rounds: int) -> int:
    django.setup()
    call_command("migrate", verbosity=0)
    _let_everything_pass()
    status: int = import_module(f"bench.{name}").main(rounds)
    return status


def _let_everything_pass() -> None:
    """Benches pay more in an hour than the limits of a new database let out."""
    import_module("tests.factories.limits").widen_limits(now=clock.now())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
