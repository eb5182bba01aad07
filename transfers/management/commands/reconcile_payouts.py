from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sunusav.core import clock, phrasing
from transfers.engine.runner import query_open_attempts
from transfers.errors import RailUnavailable
from transfers.matching import MatchReport, match_rail
from transfers.rails import rails_with_statement
from transfers.services.collections import sweep_collections
from transfers.services.matching import record_match
from transfers.services.reconciliation import make_open_attempts_due, make_open_collections_due


class Command(BaseCommand):
    help = (
        "Query the providers about everything open, book the answers, then match statements with the books."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only-match", action="store_true", help="match statements, query nothing else, store nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["only_match"]:
            self._query()
        reports = [self._match(name) for name in rails_with_statement()]
        if not options["only_match"]:
            for report in reports:
                record_match(report, clock=clock.database_clock())
        for mismatch in (one for report in reports for one in report.mismatches):
            self.stderr.write(f"{mismatch.reference}: {phrasing.reason(mismatch.code, mismatch.facts)}")
        if count := sum(report.mismatches_found for report in reports):
            raise CommandError(f"{count} payments differ between the providers and the books")
        self.stdout.write("the providers and the books agree")

    def _query(self) -> None:
        now = clock.now()
        self.stdout.write(f"{make_open_attempts_due(now=now)} open attempts to query")
        self.stdout.write(f"{make_open_collections_due(now=now)} open collections to query")
        query_open_attempts()
        sweep_collections(now=now)

    def _match(self, name: str) -> MatchReport:
        try:
            return match_rail(name, now=clock.database_clock()())
        except RailUnavailable as error:
            raise CommandError(f"rail {name} is unavailable: {error.detail}") from error
