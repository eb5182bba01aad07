from typing import Any

from django.core.management.base import BaseCommand

from sunusav.core.roles import sync_roles


class Command(BaseCommand):
    help = "Give each role's group exactly the permissions that the apps grant it."

    def handle(self, *args: Any, **options: Any) -> None:
        for role, count in sync_roles().items():
            self.stdout.write(f"{role}: {count} permissions")
