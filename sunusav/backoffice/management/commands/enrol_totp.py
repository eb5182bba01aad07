from io import StringIO
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.core import clock, trail
from sunusav.core.actors import Actor
from sunusav.core.models import User


class Command(BaseCommand):
    help = "Enrol a one-time code device for a person and print its URL and QR code, this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--replace", action="store_true", help="remove the devices the person has first")

    def handle(self, *args: Any, **options: Any) -> None:
        url = enrol(options["username"], replaces=options["replace"])
        self.stdout.write(url)
        if drawing := _drawing(url):
            self.stdout.write(drawing)


def enrol(username: str, *, replaces: bool) -> str:
    """Create a confirmed device for a person and return its otpauth URL. Raises: CommandError."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(username=username).first()
        if user is None or user.is_service:
            raise CommandError(f"There is no person called {username}.")
        owned = TOTPDevice.objects.filter(user=user)
        if owned.exists() and not replaces:
            raise CommandError(f"{username} has a device already; --replace removes it.")
        owned.delete()
        device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
        trail.record(
            subject=f"user:{username}", action="enrol_totp_device", actor=Actor.system("enrol_totp"),
            at=clock.now(),
        )  # fmt: skip
    return str(device.config_url)


def _drawing(url: str) -> str:
    """Return a QR code to scan from the terminal."""
    drawn = StringIO()
    segno.make(url).terminal(out=drawn, compact=True)
    return drawn.getvalue()
