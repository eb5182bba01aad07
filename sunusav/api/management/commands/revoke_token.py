from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sunusav.api.errors import AccountMissing
from sunusav.api.tokens import revoke_tokens
from sunusav.core import clock
from sunusav.core.actors import Actor


class Command(BaseCommand):
    help = "Revoke every API token of an account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the account's name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = revoke_tokens(name=options["name"], actor=Actor.system("revoke_token"), now=clock.now())
        except AccountMissing as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} tokens revoked")
