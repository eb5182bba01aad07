"""Sessions of the back office: their limits, their list, and ending them. A person's own security page."""

import re
from base64 import b32decode
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from sunusav.api.cleaning import clean_up
from sunusav.backoffice.fresh_codes import accept_code
from sunusav.backoffice.user_agents import browser_name
from sunusav.core import clock
from sunusav.core.models import LoginAttempt, StaffSession, TrailEntry, User
from sunusav.core.roles import Role, sync_roles
from sunusav.core.second_factor import make_recovery_codes, recovery_codes_left
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person

SECURITY = "/admin/security/"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"


@pytest.fixture
def awa(db: None) -> User:
    sync_roles()
    return person("awa", Role.APPROVER)


def _browser(user: User, agent: str = FIREFOX, address: str = "10.0.0.1") -> Client:
    """Log a person in from an address, and open a page."""
    browser = Client(headers={"accept-language": "en", "user-agent": agent}, REMOTE_ADDR=address)
    browser.force_login(user)
    assert browser.get("/admin/").status_code == 200
    return browser


def _age(browser: Client, kept: str, *, seconds: int) -> None:
    session = browser.session
    session["staff_session"] = {**session["staff_session"], kept: session["staff_session"][kept] - seconds}
    session.save()


def _actions(login: str = "awa") -> list[str]:
    return [line.action for line in TrailEntry.objects.filter(subject=f"user:{login}").order_by("pk")]


# Limits


@pytest.mark.parametrize(
    ("kept", "limit", "said"),
    [
        ("seen", "SESSION_IDLE_SECONDS", "because the session was not used"),
        ("started", "SESSION_ABSOLUTE_SECONDS", "at the end of the session"),
    ],
)
def test_session_ends_at_its_limit(awa: User, settings: Settings, kept: str, limit: str, said: str) -> None:
    browser = _browser(awa)
    _age(browser, kept, seconds=getattr(settings, limit) - 5)
    assert browser.get("/admin/").status_code == 200
    assert StaffSession.objects.count() == 1

    _age(browser, kept, seconds=getattr(settings, limit))

    assert browser.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    assert said in browser.get("/admin/login/").content.decode()
    assert not StaffSession.objects.exists()


def test_use_of_a_session_puts_off_its_end(awa: User, settings: Settings) -> None:
    browser = _browser(awa)
    for _ in range(2):
        _age(browser, "seen", seconds=settings.SESSION_IDLE_SECONDS - 5)
        assert browser.get("/admin/").status_code == 200


def test_limits_are_half_an_hour_without_use_and_ten_hours(settings: Settings) -> None:
    limits = settings.SESSION_IDLE_SECONDS, settings.SESSION_ABSOLUTE_SECONDS, settings.SESSION_COOKIE_AGE
    assert limits == (1_800, 36_000, 36_000)


# The list


def test_person_sees_their_sessions_and_which_one_is_this(awa: User) -> None:
    browser = _browser(awa)
    _browser(awa, CHROME, "10.0.0.2")
    _browser(person("ibrahima", Role.FINANCE), CHROME, "10.0.0.3")

    page = browser.get(SECURITY).content.decode()

    rows = re.findall(r"<tr>\s*<td>.*?</tr>", page, re.DOTALL)
    texts = [" ".join(re.sub("<[^>]*>", " ", row).split()) for row in rows]
    assert len(texts) == 2
    assert texts[0].startswith("End Chrome, Linux 10.0.0.2 ")
    assert texts[1].startswith("this one Firefox, Windows 10.0.0.1 ")


def test_session_is_listed_under_its_new_key(awa: User) -> None:
    browser = _browser(awa)
    session = browser.session
    session.cycle_key()
    session.save()
    browser.cookies["sessionid"] = str(session.session_key)

    assert "this one" in browser.get(SECURITY).content.decode()
    assert StaffSession.objects.get().session_id == session.session_key


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox, Windows"),
        (CHROME, "Chrome, Linux"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/142.0 Mobile Safari/537.36 EdgA/142.0", "Edge, Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari, iPhone",
        ),
        ("curl/8", "unknown"),
    ],
)
def test_browser_has_a_name(agent: str, name: str) -> None:
    assert browser_name(agent) == name


# Ending sessions


def test_person_ends_another_session_of_theirs(awa: User) -> None:
    browser, other = _browser(awa), _browser(awa, CHROME)
    row = StaffSession.objects.get(session_id=other.session.session_key)

    browser.post(f"{SECURITY}sessions/end/", {"session": row.pk})

    assert other.get("/admin/").status_code == 302
    assert browser.get("/admin/").status_code == 200
    assert _actions() == ["end_sessions"]


def test_person_ends_all_other_sessions(awa: User) -> None:
    browser, others = _browser(awa), [_browser(awa), _browser(awa)]
    colleague = _browser(person("ibrahima", Role.FINANCE))

    browser.post(f"{SECURITY}sessions/end/", {"session": "others"})

    assert [other.get("/admin/").status_code for other in others] == [302, 302]
    assert [each.get("/admin/").status_code for each in (browser, colleague)] == [200, 200]
    assert TrailEntry.objects.get(subject="user:awa").facts == {"sessions": 2}


def test_person_ends_no_session_of_others_on_their_page(awa: User) -> None:
    colleague = _browser(person("ibrahima", Role.FINANCE))
    row = StaffSession.objects.get()

    _browser(awa).post(f"{SECURITY}sessions/end/", {"session": row.pk})

    assert colleague.get("/admin/").status_code == 200
    assert not TrailEntry.objects.filter(action="end_sessions").exists()


def test_sessions_are_not_ended_by_a_link(awa: User) -> None:
    browser = _browser(awa)
    assert browser.get(f"{SECURITY}sessions/end/", {"session": "others"}).status_code == 405


def test_operator_ends_the_sessions_of_somebody(awa: User, enter: Enter) -> None:
    browsers = [_browser(awa), _browser(awa)]
    operator = enter(Role.OPERATOR)
    assert "10.0.0.1" in operator.get(f"/admin/core/user/{awa.pk}/change/").content.decode()

    operator.post("/admin/core/user/actions/end-sessions/", {"pk": awa.pk})

    assert [each.get("/admin/").status_code for each in browsers] == [302, 302]
    line = TrailEntry.objects.get(subject="user:awa")
    assert (line.action, line.actor_label, line.facts) == ("end_sessions", "a-operator", {"sessions": 2})


def test_operator_ends_one_session_in_the_list(awa: User, enter: Enter) -> None:
    browser, other = _browser(awa), _browser(awa)
    row = StaffSession.objects.get(session_id=browser.session.session_key)
    operator = enter(Role.OPERATOR)
    page = operator.get("/admin/core/staffsession/").content.decode()
    assert "Firefox, Windows" in page
    assert str(browser.session.session_key) not in page

    operator.post("/admin/core/staffsession/actions/end/", {"pk": row.pk})

    assert [each.get("/admin/").status_code for each in (browser, other)] == [302, 200]


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.AUDITOR])
def test_only_operators_end_sessions_of_others(awa: User, enter: Enter, role: Role) -> None:
    browser = _browser(awa)
    row = StaffSession.objects.get()
    client = enter(role)

    assert client.post("/admin/core/user/actions/end-sessions/", {"pk": awa.pk}).status_code == 403
    assert client.post("/admin/core/staffsession/actions/end/", {"pk": row.pk}).status_code == 403
    assert browser.get("/admin/").status_code == 200


def test_daily_clean_up_deletes_expired_sessions_with_their_addresses(awa: User) -> None:
    _browser(awa)
    Session.objects.update(expire_date=clock.now())
    kept = _browser(awa)

    assert clean_up(now=clock.now())["sessions"] == 1

    assert [row.session_id for row in StaffSession.objects.all()] == [kept.session.session_key]


def test_sessions_end_with_a_new_password_or_without_access(awa: User, enter: Enter) -> None:
    root = enter(None)
    for form, url in [
        ({"password1": "gxq-7-tontine", "password2": "gxq-7-tontine", "usable_password": "true"}, "password"),
        ({"username": "awa", "is_staff": "on"}, "change"),
    ]:
        browser = _browser(awa)
        assert StaffSession.objects.filter(user=awa).count() == 1

        assert root.post(f"/admin/core/user/{awa.pk}/{url}/", form).status_code == 302

        assert not StaffSession.objects.filter(user=awa).exists()
        assert browser.get("/admin/").status_code == 302
        awa.refresh_from_db()
    assert root.get("/admin/").status_code == 200


def test_own_new_password_ends_the_other_sessions(awa: User) -> None:
    awa.set_password("a-long-password")
    awa.save()
    browser, other = _browser(awa), _browser(awa)
    form = {
        "old_password": "a-long-password",
        "new_password1": "gxq-7-tontine",
        "new_password2": "gxq-7-tontine",
    }

    assert browser.post("/admin/password_change/", {**form, "old_password": "guess"}).status_code == 200
    assert StaffSession.objects.count() == 2
    assert browser.post("/admin/password_change/", form).status_code == 302

    assert [each.get("/admin/").status_code for each in (browser, other)] == [200, 302]
    assert [row.session_id for row in StaffSession.objects.all()] == [browser.session.session_key]
    assert _actions() == ["change_password"]


def test_wrong_own_passwords_are_counted(awa: User) -> None:
    awa.set_password("a-long-password")
    awa.save()
    browser = _browser(awa)
    form = {"new_password1": "gxq-7-tontine", "new_password2": "gxq-7-tontine"}
    mistyped = {**form, "old_password": "a-long-password", "new_password2": "another"}
    for _ in range(6):
        assert browser.post("/admin/password_change/", mistyped).status_code == 200
    for _ in range(5):
        assert browser.post("/admin/password_change/", {**form, "old_password": "guess"}).status_code == 200

    response = browser.post(
        "/admin/password_change/", {**form, "old_password": "a-long-password"}, follow=True
    )

    assert "Too many failed attempts" in response.content.decode()
    awa.refresh_from_db()
    assert awa.check_password("a-long-password")


def test_session_is_listed_and_ended_as_soon_as_a_new_password_gave_it_another_key(
    awa: User, enter: Enter
) -> None:
    awa.set_password("a-long-password")
    awa.save()
    browser = _browser(awa)
    form = {
        "old_password": "a-long-password",
        "new_password1": "gxq-7-tontine",
        "new_password2": "gxq-7-tontine",
    }
    browser.post("/admin/password_change/", form)
    assert [row.session_id for row in StaffSession.objects.all()] == [browser.session.session_key]

    enter(Role.OPERATOR).post("/admin/core/user/actions/end-sessions/", {"pk": awa.pk})

    assert browser.get("/admin/").status_code == 302


def test_session_that_changes_another_password_is_listed_under_its_new_key(awa: User, enter: Enter) -> None:
    root = enter(None)
    root.get("/admin/")
    form = {"password1": "gxq-7-tontine", "password2": "gxq-7-tontine", "usable_password": "true"}

    assert root.post(f"/admin/core/user/{awa.pk}/password/", form).status_code == 302

    [row] = StaffSession.objects.filter(user__username="root")
    assert row.session_id == root.session.session_key


def test_daily_clean_up_deletes_login_attempts_that_no_longer_count(db: None) -> None:
    now = clock.now()
    for hours in (25, 23):
        LoginAttempt.objects.create(key="ab" * 32, at=now - timedelta(hours=hours))

    assert clean_up(now=now)["login_attempts"] == 1

    assert LoginAttempt.objects.get().at == now - timedelta(hours=23)


# Authenticator and recovery codes


def _secret(page: str) -> bytes:
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    assert found is not None
    return b32decode(found[1].replace(" ", ""))


def _with_device(user: User) -> tuple[Client, TOTPDevice]:
    device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=True)
    browser = Client(headers={"accept-language": "en"})
    browser.force_login(user)
    session = browser.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    return browser, device


def test_person_sets_up_a_first_authenticator_and_gets_recovery_codes(awa: User) -> None:
    browser = _browser(awa)
    secret = _secret(browser.get(f"{SECURITY}authenticator/").content.decode())

    shown = browser.post(f"{SECURITY}authenticator/", {"first_code": f"{totp(secret):06}"}).content.decode()

    assert len(re.findall(r"<code>[a-z2-7-]{19}</code>", shown)) == 10
    assert TOTPDevice.objects.get(user=awa).bin_key == secret
    assert browser.get("/admin/").status_code == 200


def test_secret_is_another_one_each_time_the_page_is_opened(awa: User) -> None:
    browser = _browser(awa)
    kept_by_somebody = _secret(browser.get(f"{SECURITY}authenticator/").content.decode())

    secret = _secret(browser.get(f"{SECURITY}authenticator/").content.decode())
    wrong = browser.post(f"{SECURITY}authenticator/", {"first_code": f"{totp(kept_by_somebody):06}"})

    assert secret != kept_by_somebody
    assert _secret(wrong.content.decode()) == secret
    assert not TOTPDevice.objects.exists()


def test_replacing_the_authenticator_needs_a_code_of_the_earlier_one(awa: User) -> None:
    browser, device = _with_device(awa)
    other = Client()
    other.cookies["sessionid"] = _with_device_session(awa, device)
    assert other.get("/admin/").status_code == 200
    secret = _secret(browser.get(f"{SECURITY}authenticator/").content.decode())
    first_code = f"{totp(secret):06}"

    refused = browser.post(f"{SECURITY}authenticator/", {"first_code": first_code}).content.decode()
    assert "missing, wrong or already used" in refused
    assert TOTPDevice.objects.get(user=awa).bin_key == device.bin_key

    form = {"code": f"{totp(device.bin_key):06}", "first_code": first_code}
    assert browser.post(f"{SECURITY}authenticator/", form).headers["Location"] == SECURITY

    assert TOTPDevice.objects.get(user=awa).bin_key == secret
    assert browser.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302
    assert StaffSession.objects.get().session_id == browser.session.session_key
    assert _actions() == ["enrol_totp_device", "end_sessions"]


def _with_device_session(user: User, device: TOTPDevice) -> str:
    client = Client()
    client.force_login(user)
    session = client.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    return str(session.session_key)


def test_wrong_first_code_leaves_the_earlier_authenticator_and_its_code(awa: User) -> None:
    browser, device = _with_device(awa)
    browser.get(f"{SECURITY}authenticator/")

    form = {"code": f"{totp(device.bin_key):06}", "first_code": "000000"}
    assert browser.post(f"{SECURITY}authenticator/", form).status_code == 200

    unused = TOTPDevice.objects.get(user=awa)
    assert (unused.bin_key, unused.last_t) == (device.bin_key, device.last_t)
    assert _actions() == []


def test_new_recovery_codes_need_a_code_and_replace_the_old_ones(awa: User) -> None:
    browser, device = _with_device(awa)
    old = make_recovery_codes(awa, now=clock.now())
    assert "<dd>10</dd>" in browser.get(SECURITY).content.decode()
    url = f"{SECURITY}recovery-codes/"

    assert "missing, wrong or already used" in browser.post(url, {}).content.decode()
    shown = browser.post(url, {"code": f"{totp(device.bin_key):06}"}).content.decode()

    new = re.findall(r"<code>([a-z2-7-]{19})</code>", shown)
    assert (len(new), set(new) & set(old), recovery_codes_left(awa)) == (10, set(), 10)
    assert new[0] not in browser.get(SECURITY).content.decode()
    assert _actions() == ["make_recovery_codes", "make_recovery_codes"]


def _give_code(browser: Client) -> None:
    """Remember that the session has just used a code, as a login does."""
    session = browser.session
    accept_code(session, now=clock.now())
    session.save()


@pytest.mark.parametrize("part", ["authenticator", "recovery-codes"])
def test_second_factor_is_replaced_only_with_a_code_of_its_own(awa: User, part: str) -> None:
    browser, device = _with_device(awa)
    old = make_recovery_codes(awa, now=clock.now())
    _give_code(browser)
    url = f"{SECURITY}{part}/"
    asked = browser.get(url).content.decode()
    form = {"first_code": f"{totp(_secret(asked)):06}"} if part == "authenticator" else {}

    refused = browser.post(url, form).content.decode()

    assert 'name="code"' in asked
    assert "missing, wrong or already used" in refused
    assert TOTPDevice.objects.get(user=awa).key == device.key
    assert recovery_codes_left(awa) == len(old)
    assert _actions() == ["make_recovery_codes"]


def test_recovery_codes_belong_to_an_authenticator(awa: User) -> None:
    browser = _browser(awa)

    assert browser.post(f"{SECURITY}recovery-codes/", {}).headers["Location"] == f"{SECURITY}authenticator/"
    assert recovery_codes_left(awa) == 0
