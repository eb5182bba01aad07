from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from sunusav.api.tokens import PERSON_DAYS, SERVICE_DAYS, issue_token
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError
from sunusav.core.roles import Role

MAX_DAYS = 3650


class Command(BaseCommand):
    help = "Issue an API token and print only it; it cannot be shown again. A missing service account is created."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the account's name")
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        parser.add_argument(
            "--person", action="store_true", help="create a person's account when it is missing"
        )
        parser.add_argument(
            "--days", type=int, help=f"lifetime (default: a service {SERVICE_DAYS}, a person {PERSON_DAYS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] is not None and not 1 <= options["days"] <= MAX_DAYS:
            raise CommandError(f"--days is from 1 to {MAX_DAYS}")
        try:
            token = issue_token(
                name=options["name"], role=Role(options["role"]), creates_person=options["person"],
                days=options["days"], actor=Actor.system("issue_token"), now=clock.now(),
            )  # fmt: skip
        except (DomainError, ValidationError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(token)
