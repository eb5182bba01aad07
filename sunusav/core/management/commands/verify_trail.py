from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sunusav.core.models import TrailSeal
from sunusav.core.sealing import last_link
from sunusav.core.trail import verify_trail


class Command(BaseCommand):
    help = "Recompute the trail's hash chain; exit 1 and name each link that does not hold."

    def handle(self, *args: Any, **options: Any) -> None:
        breaches = list(verify_trail())
        for breach in breaches:
            self.stderr.write(f"{breach.subject}: {breach.detail}")
        if breaches:
            raise CommandError(f"{len(breaches)} links do not hold")
        seq, last_hash = last_link(TrailSeal)
        self.stdout.write(f"{seq} links hold; keep this elsewhere: {seq} {last_hash}")
