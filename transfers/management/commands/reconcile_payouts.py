from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from sunusav.core import clock
from transfers.engine.runner import query_open_attempts
from transfers.errors import RailUnavailable
from transfers.matching import Mismatch, match_rail
from transfers.services.collections import sweep_collections
from transfers.services.reconciliation import make_open_attempts_due, make_open_collections_due


class Command(BaseCommand):
    help = (
        "Ask the outside about everything open, book what it says, then match its statement with the books."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only-match", action="store_true", help="compare statements, ask about nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["only_match"]:
            self._ask()
        mismatches = [line for name in settings.RAILS for line in self._match(name)]
        for line in mismatches:
            self.stderr.write(f"{line.reference}: {line.detail}")
        if mismatches:
            raise CommandError(f"{len(mismatches)} payments differ between the outside and the books")
        self.stdout.write("the outside and the books agree")

    def _ask(self) -> None:
        now = clock.now()
        self.stdout.write(f"{make_open_attempts_due(now=now)} open attempts to ask about")
        self.stdout.write(f"{make_open_collections_due(now=now)} open collections to ask about")
        query_open_attempts()
        sweep_collections(now=now)

    def _match(self, name: str) -> list[Mismatch]:
        try:
            return match_rail(name)
        except RailUnavailable as away:
            raise CommandError(f"rail {name} is away: {away.detail}") from away
