from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sunusav.core import clock, phrasing
from sunusav.core.actors import Actor
from transfers.queries import sends_that_may_leave
from transfers.services.switches import providers, switch_off
from transfers.switch_errors import ProviderUnknown


class Command(BaseCommand):
    help = "Switch a provider off at once: nothing new is sent or requested by it. Two people switch it on (admin)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help=f"one of: {', '.join(providers())}")
        parser.add_argument("--reason", required=True, help="why; people will read it")

    def handle(self, *args: Any, **options: Any) -> None:
        name, now = options["name"], clock.now()
        if not options["reason"].strip():
            raise CommandError("say why: people will read it")
        try:
            row = switch_off(
                provider=name, actor=Actor.system("switch_off"), reason=options["reason"], now=now
            )
        except ProviderUnknown as refusal:
            raise CommandError(phrasing.refusal_phrase(refusal).text) from refusal
        self.stdout.write(f"{name} is switched off since {row.changed_at}: {row.reason}")
        leaving = sends_that_may_leave(now, rails=[name])
        self.stdout.write(f"{leaving} sends had passed their last look before and may still leave")
