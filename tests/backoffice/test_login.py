"""Login to the back office: a password, a one-time code of people with a device, a limit of failed attempts."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.world import World, person

LOGIN = "/admin/login/"
PASSWORD = "a-long-password"
WRONG = "is wrong, or this account has no access to the back office"


@pytest.fixture
def awa(db: None) -> User:
    sync_roles()
    user = person("awa", Role.APPROVER)
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def browser() -> Client:
    return Client(headers={"accept-language": "en"})


def _enrol(user: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)


def _code(device: TOTPDevice) -> str:
    return f"{totp(device.bin_key):06}"


def _log_in(browser: Client, password: str = PASSWORD, username: str = "awa", code: str = "") -> str:
    """Try to log in; return the page, or where it redirects to."""
    response = browser.post(
        LOGIN, {"username": username, "password": password, "code": code, "next": "/admin/"}
    )
    return response.headers.get("Location") or response.content.decode()


def test_login_without_a_device_is_allowed_where_none_is_required(awa: User, browser: Client) -> None:
    assert _log_in(browser) == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_login_with_a_device_needs_its_code(awa: User, browser: Client) -> None:
    device = _enrol(awa)

    assert WRONG in _log_in(browser)
    assert WRONG in _log_in(browser, code="000000")
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert _log_in(browser, code=_code(device)) == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_code_is_accepted_once(awa: User, browser: Client) -> None:
    code = _code(_enrol(awa))
    assert _log_in(browser, code=code) == "/admin/"

    assert WRONG in _log_in(Client(headers={"accept-language": "en"}), code=code)


def test_login_without_a_device_is_refused_where_one_is_required(
    awa: User, browser: Client, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True

    assert "enrol_totp" in _log_in(browser)
    assert browser.get("/admin/").status_code == 302


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


@pytest.mark.parametrize("username", ["awa", "nobody"])
def test_login_is_locked_after_five_failures_whether_or_not_the_name_exists(
    awa: User, browser: Client, username: str
) -> None:
    for _ in range(5):
        assert WRONG in _log_in(browser, username=username, password="guess")

    assert "Too many failed attempts" in _log_in(browser, username=username)
    assert "Too many failed attempts" in _log_in(browser, username=username.upper())


def test_lock_applies_to_one_name_and_address(awa: User, browser: Client) -> None:
    for _ in range(5):
        _log_in(browser, password="guess")
    elsewhere = Client(headers={"accept-language": "en"}, REMOTE_ADDR="10.0.0.9")

    assert _log_in(elsewhere) == "/admin/"
    assert WRONG in _log_in(browser, username="moussa")


def test_login_resets_the_count_of_failures(awa: User, browser: Client) -> None:
    for _ in range(4):
        _log_in(browser, password="guess")
    assert _log_in(browser) == "/admin/"

    for _ in range(4):
        assert WRONG in _log_in(Client(headers={"accept-language": "en"}), password="guess")


def test_lock_ignores_forwarded_addresses(awa: User, browser: Client) -> None:
    for number in range(5):
        browser.post(
            LOGIN, {"username": "awa", "password": "guess"}, headers={"x-forwarded-for": f"10.0.0.{number}"}
        )

    assert "Too many failed attempts" in _log_in(browser)


def test_login_redirects_to_no_other_host(awa: User, browser: Client) -> None:
    response = browser.post(LOGIN, {"username": "awa", "password": PASSWORD, "next": "https://evil.example/"})

    assert response.headers["Location"] == "/admin/"


def test_approving_needs_a_fresh_code(world: World, awa: User, browser: Client) -> None:
    device = _enrol(awa)
    browser.force_login(awa)
    session = browser.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    proposal = world.verification
    sent = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    url = "/admin/core/proposal/actions/approve/"
    Proposal.objects.filter(pk=proposal.pk).update(proposer=person("ibrahima", Role.FINANCE))

    assert "missing, wrong or already used" in browser.post(url, sent).content.decode()
    assert "missing, wrong or already used" in browser.post(url, {**sent, "code": "12"}).content.decode()
    assert Proposal.objects.get(pk=proposal.pk).state == "open"
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)

    assert browser.post(url, {**sent, "code": _code(device)}).status_code == 302
    assert Proposal.objects.get(pk=proposal.pk).state == "approved"


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

    call_command("enrol_totp", "awa", "--replace")

    assert TOTPDevice.objects.filter(user=awa).count() == 1


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
    assert "Ce qui vous attend" in browser.get("/admin/").content.decode()

    browser.post("/admin/language/", {"language": "en", "next": "/admin/"})

    assert "Waiting for you" in browser.get("/admin/").content.decode()
