"""The login as a browser goes through it, and what tests of it share."""

import re
from base64 import b32decode
from datetime import timedelta
from typing import Any

from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.core.models import LoginAttempt, Proposal, User
from sunusav.core.roles import Role
from tests.backoffice.world import World, person

LOGIN, CODE, ENROL = "/admin/login/", "/admin/login/code/", "/admin/login/enrol/"
PASSWORD = "a-long-password"
WRONG = "The username or password is wrong, or this account has no access to the back office."
WRONG_CODE = "The one-time code is wrong or was used already."
MISSING = "The one-time code is missing."
LOCKED = "Too many failed attempts"


def new_browser(address: str = "127.0.0.1") -> Client:
    return Client(headers={"accept-language": "en"}, REMOTE_ADDR=address)


def enrol(user: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)


def code_of(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06}"


def post(browser: Client, url: str, form: dict[str, str]) -> str:
    """Post a form; return the page, or where it redirects to."""
    response = browser.post(url, form)
    return response.headers.get("Location") or response.content.decode()


def log_in(browser: Client, password: str = PASSWORD, username: str = "awa") -> str:
    """Try the first step."""
    return post(browser, LOGIN, {"username": username, "password": password, "next": "/admin/"})


def give(browser: Client, code: str) -> str:
    """Try the second step."""
    return post(browser, CODE, {"code": code})


def age(browser: Client, kept: str, *, seconds: int) -> None:
    """Move what a session remembers into the past."""
    session = browser.session
    session[kept] = {**session[kept], "at": session[kept]["at"] - seconds}
    session.save()


def age_attempts(by: timedelta) -> None:
    for row in LoginAttempt.objects.all():
        LoginAttempt.objects.filter(pk=row.pk).update(at=row.at - by)


def secret_in(page: str) -> bytes:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert found is not None
    return b32decode(found[1].replace(" ", ""))


def with_device(browser: Client, user: User) -> TOTPDevice:
    """Enter with a session that has passed the second factor, without a code in it."""
    device = enrol(user)
    browser.force_login(user)
    session = browser.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    return device


def approval(world: World) -> tuple[str, dict[str, Any]]:
    proposal = world.verification
    Proposal.objects.filter(pk=proposal.pk).update(proposer=person("ibrahima", Role.FINANCE))
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    return "/admin/core/proposal/actions/approve/", sent


def give_wrong_codes_from_many_addresses() -> None:
    """Give as many wrong codes as somebody can who knows the password."""
    for round_ in range(2):
        for number in range(21):
            guesser = new_browser(f"10.{round_}.0.{number}")
            if log_in(guesser) == CODE:
                give(guesser, "000000")
        age_attempts(timedelta(minutes=15))
