"""Setting up an authenticator at the login, on the server, and with a recovery code."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.core import clock
from sunusav.core.models import TrailEntry, User
from sunusav.core.roles import Role
from sunusav.core.second_factor import make_recovery_codes, recovery_codes_left
from tests.backoffice.login.steps import (
    ENROL,
    LOGIN,
    WRONG_CODE,
    enrol,
    give,
    log_in,
    new_browser,
    post,
    secret_in,
)
from tests.backoffice.world import person


def test_person_without_a_device_sets_one_up_at_the_login_where_it_is_required(
    awa: User, browser: Client, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True

    assert log_in(browser) == ENROL
    page = browser.get(ENROL).content.decode()
    assert "<svg" in page
    assert browser.get("/admin/").headers["Location"].startswith(LOGIN)
    assert browser.get("/admin/security/").headers["Location"].startswith(LOGIN)
    assert WRONG_CODE in post(browser, ENROL, {"code": "000000"})
    assert not TOTPDevice.objects.exists()

    shown = post(browser, ENROL, {"code": f"{totp(secret_in(page)):06}"})

    codes = re.findall(r"<code>([a-z2-7-]+)</code>", shown)
    device = TOTPDevice.objects.get(user=awa)
    assert (len(set(codes)), device.bin_key, device.confirmed) == (10, secret_in(page), True)
    assert browser.get("/admin/").status_code == 200
    assert [line.action for line in TrailEntry.objects.filter(subject="user:awa").order_by("pk")] == [
        "enrol_totp_device",
        "make_recovery_codes",
    ]


def test_each_browser_gets_its_own_secret(awa: User, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    one, other = new_browser(), new_browser()
    for each in (one, other):
        log_in(each)

    assert secret_in(one.get(ENROL).content.decode()) != secret_in(other.get(ENROL).content.decode())


def test_nobody_sets_up_a_second_device_with_a_password_alone(
    awa: User, browser: Client, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    log_in(browser)
    secret = secret_in(browser.get(ENROL).content.decode())
    device = enrol(awa)

    assert post(browser, ENROL, {"code": f"{totp(secret):06}"}) == LOGIN
    assert TOTPDevice.objects.get() == device


def test_recovery_code_replaces_the_authenticator_once(awa: User, browser: Client) -> None:
    enrol(awa)
    codes = make_recovery_codes(awa, now=clock.now())
    assert codes[0].replace("-", "") not in str(list(StaticToken.objects.values_list("token", flat=True)))
    log_in(browser)
    assert give(browser, codes[0].upper()) == "/admin/"
    assert browser.get("/admin/").status_code == 200

    other = new_browser()
    log_in(other)
    assert WRONG_CODE in give(other, codes[0])
    assert give(other, codes[1]) == "/admin/"
    assert recovery_codes_left(awa) == 8
    line = TrailEntry.objects.filter(action="use_recovery_code").latest("pk")
    assert (line.subject, line.facts) == ("user:awa", {"recovery_codes": 8})


def test_recovery_code_is_of_one_person(awa: User, browser: Client) -> None:
    enrol(awa)
    make_recovery_codes(awa, now=clock.now())
    codes = make_recovery_codes(person("ibrahima", Role.FINANCE), now=clock.now())
    log_in(browser)

    assert WRONG_CODE in give(browser, codes[0])


def test_enrolling_prints_the_url_for_the_authenticator(
    awa: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("enrol_totp", "awa")

    device = TOTPDevice.objects.get(user=awa)
    assert capsys.readouterr().out.splitlines()[0] == device.config_url
    assert device.config_url.startswith("otpauth://totp/SunuS%C3%A0v")
    assert device.confirmed
    assert TrailEntry.objects.filter(subject="user:awa", action="enrol_totp_device").exists()
    assert device.key not in str(TrailEntry.objects.values_list("facts", flat=True))


def test_enrolling_again_needs_replace(awa: User) -> None:
    call_command("enrol_totp", "awa")
    with pytest.raises(CommandError, match="has a device already"):
        call_command("enrol_totp", "awa")
    lost, browser = TOTPDevice.objects.get(user=awa), new_browser()
    make_recovery_codes(awa, now=clock.now())
    browser.force_login(awa)
    browser.get("/admin/login/")

    call_command("enrol_totp", "awa", "--replace")

    assert TOTPDevice.objects.get(user=awa).key != lost.key
    assert recovery_codes_left(awa) == 0
    assert "_auth_user_id" not in browser.session


@pytest.mark.parametrize("name", ["nobody", "program"])
def test_only_people_are_enrolled(db: None, name: str) -> None:
    User.objects.create(username="program", is_service=True)

    with pytest.raises(CommandError, match="no person called"):
        call_command("enrol_totp", name)
