"""Login to the back office: a password, then a code of people with a device; limits of failed attempts; fresh codes."""

import re
from base64 import b32decode
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.core import clock
from sunusav.core.models import LoginAttempt, Proposal, TrailEntry, User
from sunusav.core.roles import Role, sync_roles
from sunusav.core.second_factor import make_recovery_codes, recovery_codes_left
from tests.backoffice.world import World, person

LOGIN, CODE, ENROL = "/admin/login/", "/admin/login/code/", "/admin/login/enrol/"
PASSWORD = "a-long-password"
WRONG = "The username or password is wrong, or this account has no access to the back office."
WRONG_CODE = "The one-time code is wrong or was used already."
MISSING = "The one-time code is missing."
LOCKED = "Too many failed attempts"


@pytest.fixture
def awa(db: None) -> User:
    sync_roles()
    user = person("awa", Role.APPROVER)
    user.set_password(PASSWORD)
    user.save()
    return user


def new_browser(address: str = "127.0.0.1") -> Client:
    return Client(headers={"accept-language": "en"}, REMOTE_ADDR=address)


@pytest.fixture
def browser() -> Client:
    return new_browser()


def _enrol(user: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)


def _code(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06}"


def _post(browser: Client, url: str, form: dict[str, str]) -> str:
    """Post a form; return the page, or where it redirects to."""
    response = browser.post(url, form)
    return response.headers.get("Location") or response.content.decode()


def _log_in(browser: Client, password: str = PASSWORD, username: str = "awa") -> str:
    """Try the first step."""
    return _post(browser, LOGIN, {"username": username, "password": password, "next": "/admin/"})


def _give(browser: Client, code: str) -> str:
    """Try the second step."""
    return _post(browser, CODE, {"code": code})


def _age(browser: Client, kept: str, *, seconds: int) -> None:
    """Move what a session remembers into the past."""
    session = browser.session
    session[kept] = {**session[kept], "at": session[kept]["at"] - seconds}
    session.save()


def _age_attempts(by: timedelta) -> None:
    for row in LoginAttempt.objects.all():
        LoginAttempt.objects.filter(pk=row.pk).update(at=row.at - by)


def _secret(page: str) -> bytes:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert found is not None
    return b32decode(found[1].replace(" ", ""))


# Two steps


def test_login_without_a_device_is_allowed_where_none_is_required(awa: User, browser: Client) -> None:
    assert _log_in(browser) == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_login_with_a_device_asks_for_its_code_after_the_password(awa: User, browser: Client) -> None:
    device = _enrol(awa)

    assert _log_in(browser) == CODE
    assert browser.get("/admin/").status_code == 302
    assert MISSING in _give(browser, "")
    assert WRONG_CODE in _give(browser, "000000")
    assert browser.get("/admin/").status_code == 302
    assert _give(browser, _code(device)) == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_wrong_password_says_nothing_about_a_code(awa: User, browser: Client) -> None:
    _enrol(awa)

    assert WRONG in _log_in(browser, password="guess")
    assert browser.get(CODE).headers["Location"] == LOGIN


def test_code_is_accepted_once(awa: User, browser: Client) -> None:
    code = _code(_enrol(awa))
    _log_in(browser)
    assert _give(browser, code) == "/admin/"

    other = new_browser()
    _log_in(other)
    assert WRONG_CODE in _give(other, code)


def test_code_is_asked_for_ten_minutes_after_the_password(awa: User, browser: Client) -> None:
    device = _enrol(awa)
    _log_in(browser)
    _age(browser, "pending_login", seconds=10 * 60)

    assert _give(browser, _code(device)) == LOGIN
    assert browser.get("/admin/").status_code == 302


def test_code_is_not_asked_once_the_password_has_changed(awa: User, browser: Client) -> None:
    device = _enrol(awa)
    _log_in(browser)
    awa.set_password("another-long-password")
    awa.save()

    assert _give(browser, _code(device)) == LOGIN


def test_code_of_another_person_is_refused(awa: User, browser: Client) -> None:
    _enrol(awa)
    other = _enrol(person("ibrahima", Role.FINANCE))
    _log_in(browser)

    assert WRONG_CODE in _give(browser, _code(other))


def test_session_without_the_second_factor_is_no_login(awa: User, browser: Client) -> None:
    browser.force_login(awa)
    assert browser.get("/admin/").status_code == 200

    _enrol(awa)

    assert browser.get("/admin/").status_code == 302
    assert browser.get("/admin/core/proposal/").status_code == 302


def test_login_gives_the_same_answer_to_unknown_wrong_and_excluded_accounts(
    awa: User, browser: Client
) -> None:
    service = User.objects.create(username="program", is_service=True)
    service.set_password(PASSWORD)
    service.save()
    User.objects.create_user("gone", password=PASSWORD, is_staff=True, is_active=False)

    tries = {"nobody": PASSWORD, "awa": "wrong", "program": PASSWORD, "gone": PASSWORD}
    answers = [_log_in(browser, username=name, password=password) for name, password in tries.items()]

    assert all(WRONG in answer for answer in answers)


def test_login_redirects_to_no_other_host(awa: User, browser: Client) -> None:
    form = {"username": "awa", "password": PASSWORD, "next": "https://evil.example/"}
    assert _post(browser, LOGIN, form) == "/admin/"

    device = _enrol(awa)
    other = new_browser()
    _post(other, LOGIN, form)
    assert _give(other, _code(device)) == "/admin/"


# Setting up an authenticator


def test_person_without_a_device_sets_one_up_at_the_login_where_it_is_required(
    awa: User, browser: Client, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True

    assert _log_in(browser) == ENROL
    page = browser.get(ENROL).content.decode()
    assert "<svg" in page
    assert browser.get("/admin/").headers["Location"].startswith(LOGIN)
    assert browser.get("/admin/security/").headers["Location"].startswith(LOGIN)
    assert WRONG_CODE in _post(browser, ENROL, {"code": "000000"})
    assert not TOTPDevice.objects.exists()

    shown = _post(browser, ENROL, {"code": f"{totp(_secret(page)):06}"})

    codes = re.findall(r"<code>([a-z2-7-]+)</code>", shown)
    device = TOTPDevice.objects.get(user=awa)
    assert (len(set(codes)), device.bin_key, device.confirmed) == (10, _secret(page), True)
    assert browser.get("/admin/").status_code == 200
    assert [line.action for line in TrailEntry.objects.filter(subject="user:awa").order_by("pk")] == [
        "enrol_totp_device",
        "make_recovery_codes",
    ]


def test_each_browser_gets_its_own_secret(awa: User, settings: Settings) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    one, other = new_browser(), new_browser()
    for each in (one, other):
        _log_in(each)

    assert _secret(one.get(ENROL).content.decode()) != _secret(other.get(ENROL).content.decode())


def test_nobody_sets_up_a_second_device_with_a_password_alone(
    awa: User, browser: Client, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    _log_in(browser)
    secret = _secret(browser.get(ENROL).content.decode())
    device = _enrol(awa)

    assert _post(browser, ENROL, {"code": f"{totp(secret):06}"}) == LOGIN
    assert TOTPDevice.objects.get() == device


def test_recovery_code_replaces_the_authenticator_once(awa: User, browser: Client) -> None:
    _enrol(awa)
    codes = make_recovery_codes(awa, now=clock.now())
    assert codes[0].replace("-", "") not in str(list(StaticToken.objects.values_list("token", flat=True)))
    _log_in(browser)
    assert _give(browser, codes[0].upper()) == "/admin/"
    assert browser.get("/admin/").status_code == 200

    other = new_browser()
    _log_in(other)
    assert WRONG_CODE in _give(other, codes[0])
    assert _give(other, codes[1]) == "/admin/"
    assert recovery_codes_left(awa) == 8
    line = TrailEntry.objects.filter(action="use_recovery_code").latest("pk")
    assert (line.subject, line.facts) == ("user:awa", {"recovery_codes": 8})


def test_recovery_code_is_of_one_person(awa: User, browser: Client) -> None:
    _enrol(awa)
    make_recovery_codes(awa, now=clock.now())
    codes = make_recovery_codes(person("ibrahima", Role.FINANCE), now=clock.now())
    _log_in(browser)

    assert WRONG_CODE in _give(browser, codes[0])


# Limits


@pytest.mark.parametrize("username", ["awa", "nobody"])
def test_login_is_locked_after_five_failures_whether_or_not_the_name_exists(
    awa: User, browser: Client, username: str
) -> None:
    for _ in range(5):
        assert WRONG in _log_in(browser, username=username, password="guess")

    assert LOCKED in _log_in(browser, username=username)
    assert LOCKED in _log_in(browser, username=username.upper())


@pytest.mark.parametrize("typed", ["AWA", "\uff21wa", "\u00e1wa", " awa"])
def test_other_spellings_count_for_the_account_that_may_be_found(
    awa: User, browser: Client, typed: str
) -> None:
    for _ in range(5):
        _log_in(browser, username=typed, password="guess")

    assert LOCKED in _log_in(browser)


def test_failures_survive_the_cache(awa: User, browser: Client) -> None:
    for _ in range(5):
        _log_in(browser, password="guess")
    cache.clear()

    assert LOCKED in _log_in(browser)


def test_lock_ends_a_quarter_of_an_hour_after_the_failures(awa: User, browser: Client) -> None:
    for _ in range(5):
        _log_in(browser, password="guess")
    _age_attempts(timedelta(minutes=14))
    assert LOCKED in _log_in(browser)

    _age_attempts(timedelta(minutes=1))

    assert _log_in(browser) == "/admin/"


def test_refused_attempts_are_not_counted(awa: User, browser: Client) -> None:
    for _ in range(5):
        _log_in(browser, password="guess")
    counted = LoginAttempt.objects.count()

    assert LOCKED in _log_in(browser)

    assert LoginAttempt.objects.count() == counted == 15


def test_lock_applies_to_one_name_and_address(awa: User, browser: Client) -> None:
    for _ in range(5):
        _log_in(browser, password="guess")

    assert _log_in(new_browser("10.0.0.9")) == "/admin/"
    assert WRONG in _log_in(browser, username="moussa")


def test_login_resets_the_count_of_failures(awa: User, browser: Client) -> None:
    for _ in range(4):
        _log_in(browser, password="guess")
    assert _log_in(browser) == "/admin/"

    for _ in range(4):
        assert WRONG in _log_in(new_browser(), password="guess")


def test_address_that_tries_many_names_is_locked(awa: User, browser: Client) -> None:
    for number in range(50):
        assert WRONG in _log_in(browser, username=f"guess-{number}")

    assert LOCKED in _log_in(browser)
    assert _log_in(new_browser("10.0.0.9")) == "/admin/"


def test_network_of_ipv6_counts_as_one_address(awa: User) -> None:
    for number in range(5):
        _log_in(new_browser(f"2001:db8::{number}"), password="guess")

    assert LOCKED in _log_in(new_browser("2001:db8::99"))
    assert _log_in(new_browser("2001:db8:0:1::99")) == "/admin/"


def test_attacker_at_many_addresses_is_limited_and_locks_no_known_browser_out(
    awa: User, browser: Client
) -> None:
    assert _log_in(browser) == "/admin/"
    browser.post("/admin/logout/")
    for number in range(20):
        assert WRONG in _log_in(new_browser(f"10.0.0.{number}"), password="guess")
    assert LOCKED in _log_in(new_browser("10.0.1.1"))

    assert _log_in(browser) == "/admin/"


def test_known_browser_has_a_limit_of_its_own(awa: User, browser: Client) -> None:
    _log_in(browser)
    browser.post("/admin/logout/")
    for _ in range(5):
        assert WRONG in _log_in(browser, password="guess")

    assert LOCKED in _log_in(browser)
    assert _log_in(new_browser()) == "/admin/"


def test_cookie_of_a_known_browser_is_of_one_account(awa: User, browser: Client) -> None:
    ibrahima = person("ibrahima", Role.FINANCE)
    _log_in(browser)
    known = browser.cookies[f"known_browser_{awa.pk}"].value
    thief = new_browser("10.0.0.9")
    thief.cookies[f"known_browser_{ibrahima.pk}"] = known
    for _ in range(5):
        _log_in(thief, username="ibrahima", password="guess")

    other = new_browser("10.0.0.9")
    assert LOCKED in _log_in(other, username="ibrahima", password="guess")


def test_wrong_codes_count_as_failures(awa: User, browser: Client) -> None:
    device = _enrol(awa)
    _log_in(browser)
    for _ in range(5):
        assert WRONG_CODE in _give(browser, "000000")

    assert LOCKED in _give(browser, _code(device))
    assert LOCKED in _log_in(browser)


def _give_wrong_codes_from_many_addresses() -> None:
    """Give as many wrong codes as somebody can who knows the password."""
    for round_ in range(2):
        for number in range(21):
            guesser = new_browser(f"10.{round_}.0.{number}")
            if _log_in(guesser) == CODE:
                _give(guesser, "000000")
        _age_attempts(timedelta(minutes=15))


def test_wrong_codes_at_the_login_block_neither_sessions_nor_known_browsers(
    world: World, awa: User, browser: Client
) -> None:
    device = _enrol(awa)
    _log_in(browser)
    _give(browser, make_recovery_codes(awa, now=clock.now())[0])
    known = new_browser()
    cookie = f"known_browser_{awa.pk}"
    known.cookies[cookie] = browser.cookies[cookie].value
    _give_wrong_codes_from_many_addresses()

    _age(browser, "code_accepted", seconds=300)
    url, sent = _approval(world)
    assert browser.post(url, {**sent, "code": _code(device)}).status_code == 302
    assert Proposal.objects.get(pk=world.verification.pk).state == "approved"
    assert _log_in(known) == CODE
    assert _give(known, make_recovery_codes(awa, now=clock.now())[0]) == "/admin/"


def test_wrong_codes_of_a_day_are_limited_until_the_password_changes(awa: User) -> None:
    device = _enrol(awa)
    _give_wrong_codes_from_many_addresses()
    other = new_browser("10.9.0.1")
    assert _log_in(other) == CODE
    assert LOCKED in _give(other, _code(device))

    awa.set_password("another-long-password")
    awa.save()

    assert _log_in(other, password="another-long-password") == CODE
    assert _give(other, _code(device)) == "/admin/"


def test_wrong_codes_in_sessions_are_limited_until_the_next_login(
    world: World, awa: User, browser: Client
) -> None:
    device = _with_device(browser, awa)
    url, sent = _approval(world)
    for _ in range(5):
        assert "missing, wrong" in browser.post(url, {**sent, "code": "000000"}).content.decode()

    page = browser.post(url, {**sent, "code": _code(device)}).content.decode()
    assert "Too many codes were wrong" in page
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"

    other = new_browser()
    _log_in(other)
    assert _give(other, _code(device)) == "/admin/"
    code = make_recovery_codes(awa, now=clock.now())[0]
    assert browser.post(url, {**sent, "code": code}).status_code == 302


def test_lock_ignores_forwarded_addresses(awa: User, browser: Client) -> None:
    for number in range(5):
        browser.post(
            LOGIN, {"username": "awa", "password": "guess"}, headers={"x-forwarded-for": f"10.0.0.{number}"}
        )

    assert LOCKED in _log_in(browser)


# Fresh codes


def _with_device(browser: Client, user: User) -> TOTPDevice:
    """Enter with a session that has passed the second factor, without a code in it."""
    device = _enrol(user)
    browser.force_login(user)
    session = browser.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    return device


def _approval(world: World) -> tuple[str, dict[str, Any]]:
    proposal = world.verification
    Proposal.objects.filter(pk=proposal.pk).update(proposer=person("ibrahima", Role.FINANCE))
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    return "/admin/core/proposal/actions/approve/", sent


def test_approving_needs_a_fresh_code(world: World, awa: User, browser: Client) -> None:
    device = _with_device(browser, awa)
    url, sent = _approval(world)

    assert "missing, wrong or already used" in browser.post(url, sent).content.decode()
    assert "missing, wrong or already used" in browser.post(url, {**sent, "code": "12"}).content.decode()
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"

    assert browser.post(url, {**sent, "code": _code(device)}).status_code == 302
    assert Proposal.objects.get(pk=world.verification.pk).state == "approved"


@pytest.mark.parametrize(("age_seconds", "state"), [(290, "approved"), (300, "open"), (-10, "open")])
def test_no_code_is_asked_for_five_minutes_after_the_last_one(
    world: World, awa: User, browser: Client, age_seconds: int, state: str
) -> None:
    device = _enrol(awa)
    _log_in(browser)
    assert _give(browser, _code(device)) == "/admin/"
    _age(browser, "code_accepted", seconds=age_seconds)
    url, sent = _approval(world)

    asked = browser.get(url, {"pk": world.verification.pk}).content.decode()
    browser.post(url, sent)

    assert ('name="code"' in asked) is (state == "open")
    assert Proposal.objects.get(pk=world.verification.pk).state == state


def test_code_of_another_session_counts_for_nothing(world: World, awa: User, browser: Client) -> None:
    device = _enrol(awa)
    _log_in(browser)
    _give(browser, _code(device))
    other = new_browser()
    other.force_login(awa)
    session = other.session
    session["otp_device_id"] = device.persistent_id
    session["code_accepted"] = browser.session["code_accepted"]
    session.save()
    url, sent = _approval(world)

    assert "missing, wrong or already used" in other.post(url, sent).content.decode()
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"


def test_code_counts_for_nothing_once_the_session_is_rotated(
    world: World, awa: User, browser: Client
) -> None:
    device = _enrol(awa)
    _log_in(browser)
    _give(browser, _code(device))
    session = browser.session
    session.cycle_key()
    session.save()
    browser.cookies["sessionid"] = str(session.session_key)
    url, sent = _approval(world)

    assert browser.get("/admin/").status_code == 200
    assert "missing, wrong or already used" in browser.post(url, sent).content.decode()
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"


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


def test_language_is_switched_by_post_and_kept(awa: User) -> None:
    browser = Client()
    browser.force_login(awa)
    browser.get("/admin/language/")
    browser.post("/admin/language/", {"language": "fr", "next": "/admin/"})
    assert "À traiter" in browser.get("/admin/").content.decode()

    browser.post("/admin/language/", {"language": "en", "next": "/admin/"})

    assert "To do" in browser.get("/admin/").content.decode()
