"""`python -m bench.inside NAME ROUNDS`: one bench between its servers, with Django set up and the tables made."""

import sys
from importlib import import_module

import django
from django.core.management import call_command


def main(name: str, rounds: int) -> int:
    django.setup()
    call_command("migrate", verbosity=0)
    status: int = import_module(f"bench.{name}").main(rounds)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
