from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from sandbox.seeding import seed_demo
from sunusav.core import clock
from sunusav.core.roles import sync_roles
from sunusav.core.schedules import sync_schedules


class Command(BaseCommand):
    help = (
        "Migrate, then create the demo's people, tokens, group and cycles where missing. Local settings only."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        sync_roles()
        sync_schedules()
        seed_demo(settings.STATE_DIR, now=clock.now())
        self.stdout.write("the demo is seeded")
