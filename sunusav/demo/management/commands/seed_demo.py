from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from sunusav.core import clock
from sunusav.demo.seeding import seed_demo


class Command(BaseCommand):
    help = "Create the demo's people, tokens, group and cycles where missing. Local settings only."

    def handle(self, *args: Any, **options: Any) -> None:
        seed_demo(settings.STATE_DIR, now=clock.now())
        self.stdout.write("the demo is seeded")
