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
        "Query the providers about everything open, book the answers, then match statements with the books."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only-match", action="store_true", help="match statements, query nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["only_match"]:
            self._query()
        mismatches = [line for name in settings.RAILS for line in self._match(name)]
        for line in mismatches:
            self.stderr.write(f"{line.reference}: {line.detail}")
        if mismatches:
            raise CommandError(f"{len(mismatches)} payments differ between the providers and the books")
        self.stdout.write("the providers and the books agree")

    def _query(self) -> None:
        now = clock.now()
        self.stdout.write(f"{make_open_attempts_due(now=now)} open attempts to query")
        self.stdout.write(f"{make_open_collections_due(now=now)} open collections to query")
        query_open_attempts()
        sweep_collections(now=now)

    def _match(self, name: str) -> list[Mismatch]:
        try:
            return match_rail(name)
        except RailUnavailable as error:
            raise CommandError(f"rail {name} is unavailable: {error.detail}") from error
