from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sunusav.core.models import TrailSeal
from sunusav.core.sealing import last_link
from sunusav.core.trail import has_link, verify_trail


class Command(BaseCommand):
    help = "Recompute the trail's hash chain; exit 1 and name each broken link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--kept",
            metavar="'SEQ HASH'",
            help="what this command printed before: finds a tail that was cut off",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = list(verify_trail())
        for breach in breaches:
            self.stderr.write(f"{breach.subject}: {breach.detail}")
        if breaches:
            raise CommandError(f"{len(breaches)} links do not hold")
        if options["kept"]:
            self._compare(options["kept"])
        seq, last_hash = last_link(TrailSeal)
        self.stdout.write(f"{seq} links hold; keep this elsewhere: {seq} {last_hash}")

    def _compare(self, kept: str) -> None:
        seq, _, kept_hash = kept.strip().partition(" ")
        if not (seq.isdigit() and has_link(seq=int(seq), kept_hash=kept_hash)):
            raise CommandError(f"link {seq} is not the one that was kept: the tail was removed or replaced")
