from typing import Any

from django.core.management.base import BaseCommand

from sunusav.core.roles import sync_roles


class Command(BaseCommand):
    help = "Make each role's group hold exactly the permissions the rooms grant it."

    def handle(self, *args: Any, **options: Any) -> None:
        for role, count in sync_roles().items():
            self.stdout.write(f"{role}: {count} permissions")
