"""The fresh one-time code (TOTP, RFC 6238) that approving, publishing and resuming require."""

from django.conf import settings
from django_otp import devices_for_user, match_token

from sunusav.core.errors import Forbidden
from sunusav.core.models import User


class SecondFactorNotEnrolled(Forbidden):
    """This person has no one-time code device yet, and one is required."""


class SecondFactorRefused(Forbidden):
    """The one-time code is missing, wrong or used already."""


def require_second_factor(user: User, code: str) -> None:
    """Require a fresh code: always in production, elsewhere of people who have a device.

    A code is accepted once: the device remembers the last one.
    Raises: SecondFactorNotEnrolled, SecondFactorRefused.
    """
    if not any(devices_for_user(user)):
        if settings.SECOND_FACTOR_REQUIRED:
            raise SecondFactorNotEnrolled
        return
    if not code or match_token(user, code) is None:
        raise SecondFactorRefused
