from typing import Any

from django.core.management.base import BaseCommand

from sunusav.core.schedules import sync_schedules


class Command(BaseCommand):
    help = "Create the shipped schedule rows that are missing; existing rows are not changed."

    def handle(self, *args: Any, **options: Any) -> None:
        created = sync_schedules()
        self.stdout.write("\n".join(f"created: {name}" for name in created) or "nothing was missing")
