import getpass
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payouts.services.exports import export_person
from sunusav.core import clock
from sunusav.core.actors import Actor
from sunusav.core.errors import DomainError

ONLY_ITS_OWNER = 0o600


class Command(BaseCommand):
    help = "Export what is kept about a member as JSON, name and phone in full. It is recorded in the trail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user_id", help="the platform's identifier of the member")
        parser.add_argument("--reason", required=True, help="who asked for it, without name or phone")
        parser.add_argument("--output", metavar="FILE", help="write a new file that only its owner can read")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = options["reason"].strip()
        if not reason:
            raise CommandError("Give a reason.")
        output = Path(options["output"]) if options["output"] else None
        if output is not None and output.exists():
            raise CommandError(f"{output} exists.")
        document = self._document(options["user_id"], reason)
        if output is None:
            self.stdout.write(document)
            return
        _write(output, document)
        self.stdout.write(f"{output} is written: hand it over, then delete it.")

    def _document(self, user_id: str, reason: str) -> str:
        try:
            return export_person(
                user_id=user_id, reason=reason, system_user=_system_user(),
                actor=Actor.system("export_person"), now=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            raise CommandError(str(refusal)) from refusal


def _write(output: Path, document: str) -> None:
    """Write a new file that nobody else can read at any moment."""
    try:
        opened = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_ITS_OWNER)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.") from error
    with os.fdopen(opened, "w", encoding="utf-8") as file:
        file.write(document)


def _system_user() -> str:
    """Return the login under which somebody runs the command; in a container it may have only a number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
