from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from transfers.engine.runner import DEFAULT_SLOTS, run_due


class Command(BaseCommand):
    help = "Pay every payout that is due, each at most once, and ask about those whose outcome is unknown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lanes", type=int, default=DEFAULT_SLOTS, help="how many at once (default 32)")
        parser.add_argument("--limit", type=int, default=10_000, help="stop after so many")

    def handle(self, *args: Any, **options: Any) -> None:
        report = run_due(slots=options["lanes"], limit=options["limit"])
        self.stdout.write(f"{report.worked} disbursements taken in hand")
