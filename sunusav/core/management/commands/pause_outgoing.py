from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.switches import pause_outgoing, sends_that_may_leave


class Command(BaseCommand):
    help = "Pause outgoing money at once. Resuming takes two people (admin or API)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reason", nargs="+", help="why; people will read it")

    def handle(self, *args: Any, **options: Any) -> None:
        switch = pause_outgoing(
            actor=Actor.system("pause_outgoing"), reason=" ".join(options["reason"]), now=clock.now()
        )
        self.stdout.write(f"outgoing money is paused since {switch.changed_at}: {switch.reason}")
        leaving = sends_that_may_leave(clock.now())
        self.stdout.write(f"{leaving} sends had passed their last look before and may still leave")
