from io import StringIO
from typing import Any

import segno
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.core import clock, trail
from sunusav.core.actors import Actor
from sunusav.core.models import User
from sunusav.core.second_factor import forget_second_factor, has_authenticator
from sunusav.core.staff_sessions import delete_sessions


class Command(BaseCommand):
    help = (
        "Enrol a one-time code device for the first administrator, or in an emergency, and print its URL and QR code, "
        "this once. Others set up their own when they log in."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="remove what the person has first: devices, recovery codes and sessions",
        )

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
        if has_authenticator(user) and not replaces:
            raise CommandError(f"{username} has a device already; --replace removes it.")
        forget_second_factor(user)
        delete_sessions(user)
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
