"""Login to the back office: a password, then a code of people with a device."""

from django.test import Client

from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.backoffice.login.steps import (
    CODE,
    LOGIN,
    MISSING,
    PASSWORD,
    WRONG,
    WRONG_CODE,
    age,
    code_of,
    enrol,
    give,
    log_in,
    new_browser,
    post,
)
from tests.backoffice.world import person


def test_login_without_a_device_is_allowed_where_none_is_required(awa: User, browser: Client) -> None:
    assert log_in(browser) == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_login_with_a_device_asks_for_its_code_after_the_password(awa: User, browser: Client) -> None:
    device = enrol(awa)

    assert log_in(browser) == CODE
    assert browser.get("/admin/").status_code == 302
    assert MISSING in give(browser, "")
    assert WRONG_CODE in give(browser, "000000")
    assert browser.get("/admin/").status_code == 302
    assert give(browser, code_of(device)) == "/admin/"
    assert browser.get("/admin/").status_code == 200


def test_wrong_password_says_nothing_about_a_code(awa: User, browser: Client) -> None:
    enrol(awa)

    assert WRONG in log_in(browser, password="guess")
    assert browser.get(CODE).headers["Location"] == LOGIN


def test_code_is_accepted_once(awa: User, browser: Client) -> None:
    code = code_of(enrol(awa))
    log_in(browser)
    assert give(browser, code) == "/admin/"

    other = new_browser()
    log_in(other)
    assert WRONG_CODE in give(other, code)


def test_code_is_asked_for_ten_minutes_after_the_password(awa: User, browser: Client) -> None:
    device = enrol(awa)
    log_in(browser)
    age(browser, "pending_login", seconds=10 * 60)

    assert give(browser, code_of(device)) == LOGIN
    assert browser.get("/admin/").status_code == 302


def test_code_is_not_asked_once_the_password_has_changed(awa: User, browser: Client) -> None:
    device = enrol(awa)
    log_in(browser)
    awa.set_password("another-long-password")
    awa.save()

    assert give(browser, code_of(device)) == LOGIN


def test_code_of_another_person_is_refused(awa: User, browser: Client) -> None:
    enrol(awa)
    other = enrol(person("ibrahima", Role.FINANCE))
    log_in(browser)

    assert WRONG_CODE in give(browser, code_of(other))


def test_session_without_the_second_factor_is_no_login(awa: User, browser: Client) -> None:
    browser.force_login(awa)
    assert browser.get("/admin/").status_code == 200

    enrol(awa)

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
    answers = [log_in(browser, username=name, password=password) for name, password in tries.items()]

    assert all(WRONG in answer for answer in answers)


def test_login_redirects_to_no_other_host(awa: User, browser: Client) -> None:
    form = {"username": "awa", "password": PASSWORD, "next": "https://evil.example/"}
    assert post(browser, LOGIN, form) == "/admin/"

    device = enrol(awa)
    other = new_browser()
    post(other, LOGIN, form)
    assert give(other, code_of(device)) == "/admin/"


def test_language_is_switched_by_post_and_kept(awa: User) -> None:
    browser = Client()
    browser.force_login(awa)
    browser.get("/admin/language/")
    browser.post("/admin/language/", {"language": "fr", "next": "/admin/"})
    assert "À traiter" in browser.get("/admin/").content.decode()

    browser.post("/admin/language/", {"language": "en", "next": "/admin/"})

    assert "To do" in browser.get("/admin/").content.decode()
