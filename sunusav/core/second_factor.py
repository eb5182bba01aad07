"""The second factor: an authenticator's one-time codes (TOTP, RFC 6238), and recovery codes that replace one once.

Approving, publishing, resuming and the like need a fresh code, by API with every call.

Wrong codes are counted here, per account and for each way that a code is given: the login, sessions, each API token.
So wrong codes at the login block neither sessions nor tokens. Each way takes at most 5 wrong codes in a
quarter of an hour and 20 in a day. A code is one of three that are right among a million, so guessing for an hour
succeeds with a chance of at most 20 x 3 / 1,000,000 = 0.006 %, and so does guessing for a day; a year of days, 2.2 %.
"""

import hashlib
import secrets
from base64 import b32encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django_otp.models import Device
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.errors import Conflict, Forbidden
from sunusav.core.login_attempts import DAY, Limit, TooManyAttempts, failures_counted, forget_attempts_of
from sunusav.core.models import User

RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10  # 16 characters of base 32
RECOVERY_CODE_GROUP = 4
STORED_LENGTH = 16
WRONG_CODES, WRONG_CODES_A_DAY = Limit(5), Limit(20, DAY)

Limits = Mapping[str, Limit]


class SecondFactorNotEnrolled(Forbidden):
    """This person has no one-time code device yet, and one is required."""


class SecondFactorRefused(Forbidden):
    """The one-time code is missing, wrong or used already."""


class AuthenticatorChanged(Conflict):
    """Another browser has set up an authenticator, or taken it away, since this one began."""


class TooManyWrongCodes(Forbidden):
    """So many codes were wrong lately that none is accepted for some time, the right one neither."""


def has_authenticator(user: User) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def limits_of_codes(way: str) -> dict[str, Limit]:
    """Return the limits of wrong codes that are given in this way: its name and whose it is."""
    return {f"codes {way}": WRONG_CODES, f"codes of the day {way}": WRONG_CODES_A_DAY}


def limits_in_sessions(user: User) -> dict[str, Limit]:
    """Return the limits of wrong codes in the sessions of a person, all together; a login with a code resets them."""
    return limits_of_codes(f"in sessions of {user.pk}")


def forget_wrong_codes(user: User) -> None:
    """Reset the count of wrong codes in a person's sessions, after a login with a right one."""
    for name in limits_in_sessions(user):
        forget_attempts_of(name)


def require_second_factor(user: User, code: str, *, limits: Limits, now: datetime) -> None:
    """Require a fresh code of an authenticator: always in production, elsewhere of people who have one.

    A code is accepted once: the device remembers the last one.
    Raises: SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes.
    """
    if not has_authenticator(user):
        if settings.SECOND_FACTOR_REQUIRED:
            raise SecondFactorNotEnrolled
        return
    _require_given(code)
    with _wrong_codes_counted(limits, now):
        _match_one_time_code(user, code)


def use_code(user: User, code: str, *, limits: Limits, now: datetime) -> Device:
    """Use up a one-time code or a recovery code of a person, and return the device that it belongs to.

    Raises: SecondFactorNotEnrolled, SecondFactorRefused, TooManyWrongCodes.
    """
    if not has_authenticator(user):
        raise SecondFactorNotEnrolled
    typed = "".join(character for character in code if character.isalnum()).lower()
    _require_given(typed)
    is_recovery_code = len(typed) == RECOVERY_CODE_BYTES * 8 // 5
    with _wrong_codes_counted(limits, now):
        return _use_recovery_code(user, typed, now) if is_recovery_code else _match_one_time_code(user, typed)


def make_key() -> str:
    """Return a new secret for an authenticator, hexadecimal."""
    return secrets.token_hex(20)


def secret_text(key: str) -> str:
    """Return a secret as authenticators take it from a keyboard, in groups of four characters."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def secret_url(user: User, key: str) -> str:
    """Return the URL whose QR code authenticators scan."""
    return str(TOTPDevice(user=user, key=key).config_url)


def is_code_of(key: str, code: str) -> bool:
    """Return whether an authenticator with this secret shows this code now, within one step of 30 s."""
    return code.isdecimal() and bool(TOTP(bytes.fromhex(key)).verify(int(code), tolerance=1))


def authenticator_of(user: User) -> TOTPDevice | None:
    """Return the authenticator whose codes a person gives, if they have one."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).order_by("pk").first()
    return found


def enrol_authenticator(
    user: User, *, key: str, code: str, replaces: TOTPDevice | None, now: datetime
) -> TOTPDevice:
    """Make this secret the person's only authenticator, once its first code shows that they have it.

    `replaces` is the one they had when this browser was let in: of two that begin at once, one comes too late.
    Raises: AuthenticatorChanged, SecondFactorRefused.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if authenticator_of(user) != replaces:
            raise AuthenticatorChanged
        TOTPDevice.objects.filter(user=user).delete()
        device = TOTPDevice.objects.create(user=user, name="authenticator", key=key, confirmed=True)
        if not device.verify_token(code):
            raise SecondFactorRefused
        _record(user, "enrol_totp_device", Actor.of(user), now)
    return device


def make_recovery_codes(user: User, *, now: datetime) -> list[str]:
    """Replace a person's recovery codes and return the new ones: only their hashes are stored."""
    codes = [
        b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)
    ]
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        device, _created = StaticDevice.objects.get_or_create(user=user, defaults={"name": "recovery codes"})
        device.token_set.all().delete()
        StaticToken.objects.bulk_create(
            StaticToken(device=device, token=_stored(user, code)) for code in codes
        )
        _record(user, "make_recovery_codes", Actor.of(user), now, recovery_codes=len(codes))
    return ["-".join(code[at : at + 4] for at in range(0, len(code), RECOVERY_CODE_GROUP)) for code in codes]


def recovery_codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def forget_second_factor(user: User) -> None:
    """Delete a person's authenticators and recovery codes, in the caller's transaction."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()


def _require_given(code: str) -> None:
    """Refuse a missing code, which is no guess. Raises: SecondFactorRefused."""
    if not code:
        raise SecondFactorRefused


@contextmanager
def _wrong_codes_counted(limits: Limits, now: datetime) -> Iterator[None]:
    try:
        with failures_counted(limits, now=now):
            yield
    except TooManyAttempts:
        raise TooManyWrongCodes from None


def _match_one_time_code(user: User, code: str) -> Device:
    """Not django-otp's `match_token`: it would count a wrong code against recovery codes too, and the reverse."""
    with transaction.atomic():
        for device in TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True):
            if device.verify_token(code):
                return device
    raise SecondFactorRefused


def _use_recovery_code(user: User, code: str, now: datetime) -> Device:
    with transaction.atomic():
        for device in StaticDevice.objects.select_for_update().filter(user=user, confirmed=True):
            if device.verify_token(_stored(user, code)):
                left = device.token_set.count()
                _record(user, "use_recovery_code", Actor.of(user), now, recovery_codes=left)
                return device
    raise SecondFactorRefused


def _stored(user: User, code: str) -> str:
    """Return what is stored of a recovery code: it is random, so that a plain hash reveals nothing."""
    return hashlib.sha256(f"{user.pk}:{code}".encode()).hexdigest()[:STORED_LENGTH]


def _record(user: User, action: str, actor: Actor, now: datetime, **facts: int) -> None:
    trail.record(subject=f"user:{user.get_username()}", action=action, actor=actor, at=now, facts=facts)
