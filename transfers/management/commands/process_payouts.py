from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from sunusav.core.watchdog import ends_if_stopped
from transfers.engine.runner import DEFAULT_SLOTS, run_due


class Command(BaseCommand):
    help = "Pay every payout that is due, each at most once, and query the provider about unknown outcomes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--slots", "--lanes", type=int, default=DEFAULT_SLOTS, help="how many at once (default 32)"
        )
        parser.add_argument("--limit", type=int, default=10_000, help="stop after this many")

    def handle(self, *args: Any, **options: Any) -> None:
        with ends_if_stopped():
            report = run_due(slots=options["slots"], limit=options["limit"])
        self.stdout.write(f"{report.worked} disbursements claimed")
