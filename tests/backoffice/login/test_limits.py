"""Limits of failed logins and of wrong codes."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from sunusav.core import clock
from sunusav.core.models import LoginAttempt, Proposal, User
from sunusav.core.roles import Role
from sunusav.core.second_factor import make_recovery_codes
from tests.backoffice.login.steps import (
    CODE,
    LOCKED,
    LOGIN,
    WRONG,
    WRONG_CODE,
    age,
    age_attempts,
    approval,
    code_of,
    enrol,
    give,
    give_wrong_codes_from_many_addresses,
    log_in,
    new_browser,
    with_device,
)
from tests.backoffice.world import World, person


@pytest.mark.parametrize("username", ["awa", "nobody"])
def test_login_is_locked_after_five_failures_whether_or_not_the_name_exists(
    awa: User, browser: Client, username: str
) -> None:
    for _ in range(5):
        assert WRONG in log_in(browser, username=username, password="guess")

    assert LOCKED in log_in(browser, username=username)
    assert LOCKED in log_in(browser, username=username.upper())


@pytest.mark.parametrize("typed", ["AWA", "\uff21wa", "\u00e1wa", " awa"])
def test_other_spellings_count_for_the_account_that_may_be_found(
    awa: User, browser: Client, typed: str
) -> None:
    for _ in range(5):
        log_in(browser, username=typed, password="guess")

    assert LOCKED in log_in(browser)


def test_failures_survive_the_cache(awa: User, browser: Client) -> None:
    for _ in range(5):
        log_in(browser, password="guess")
    cache.clear()

    assert LOCKED in log_in(browser)


def test_lock_ends_a_quarter_of_an_hour_after_the_failures(awa: User, browser: Client) -> None:
    for _ in range(5):
        log_in(browser, password="guess")
    age_attempts(timedelta(minutes=14))
    assert LOCKED in log_in(browser)

    age_attempts(timedelta(minutes=1))

    assert log_in(browser) == "/admin/"


def test_refused_attempts_are_not_counted(awa: User, browser: Client) -> None:
    for _ in range(5):
        log_in(browser, password="guess")
    counted = LoginAttempt.objects.count()

    assert LOCKED in log_in(browser)

    assert LoginAttempt.objects.count() == counted == 15


def test_lock_applies_to_one_name_and_address(awa: User, browser: Client) -> None:
    for _ in range(5):
        log_in(browser, password="guess")

    assert log_in(new_browser("10.0.0.9")) == "/admin/"
    assert WRONG in log_in(browser, username="moussa")


def test_login_resets_the_count_of_failures(awa: User, browser: Client) -> None:
    for _ in range(4):
        log_in(browser, password="guess")
    assert log_in(browser) == "/admin/"

    for _ in range(4):
        assert WRONG in log_in(new_browser(), password="guess")


def test_address_that_tries_many_names_is_locked(awa: User, browser: Client) -> None:
    for number in range(50):
        assert WRONG in log_in(browser, username=f"guess-{number}")

    assert LOCKED in log_in(browser)
    assert log_in(new_browser("10.0.0.9")) == "/admin/"


def test_network_of_ipv6_counts_as_one_address(awa: User) -> None:
    for number in range(5):
        log_in(new_browser(f"2001:db8::{number}"), password="guess")

    assert LOCKED in log_in(new_browser("2001:db8::99"))
    assert log_in(new_browser("2001:db8:0:1::99")) == "/admin/"


def test_attacker_at_many_addresses_is_limited_and_locks_no_known_browser_out(
    awa: User, browser: Client
) -> None:
    assert log_in(browser) == "/admin/"
    browser.post("/admin/logout/")
    for number in range(20):
        assert WRONG in log_in(new_browser(f"10.0.0.{number}"), password="guess")
    assert LOCKED in log_in(new_browser("10.0.1.1"))

    assert log_in(browser) == "/admin/"


def test_known_browser_has_a_limit_of_its_own(awa: User, browser: Client) -> None:
    log_in(browser)
    browser.post("/admin/logout/")
    for _ in range(5):
        assert WRONG in log_in(browser, password="guess")

    assert LOCKED in log_in(browser)
    assert log_in(new_browser()) == "/admin/"


def test_cookie_of_a_known_browser_is_of_one_account(awa: User, browser: Client) -> None:
    ibrahima = person("ibrahima", Role.FINANCE)
    log_in(browser)
    known = browser.cookies[f"known_browser_{awa.pk}"].value
    thief = new_browser("10.0.0.9")
    thief.cookies[f"known_browser_{ibrahima.pk}"] = known
    for _ in range(5):
        log_in(thief, username="ibrahima", password="guess")

    other = new_browser("10.0.0.9")
    assert LOCKED in log_in(other, username="ibrahima", password="guess")


def test_wrong_codes_count_as_failures(awa: User, browser: Client) -> None:
    device = enrol(awa)
    log_in(browser)
    for _ in range(5):
        assert WRONG_CODE in give(browser, "000000")

    assert LOCKED in give(browser, code_of(device))
    assert LOCKED in log_in(browser)


def test_wrong_codes_at_the_login_block_neither_sessions_nor_known_browsers(
    world: World, awa: User, browser: Client
) -> None:
    device = enrol(awa)
    log_in(browser)
    give(browser, make_recovery_codes(awa, now=clock.now())[0])
    known = new_browser()
    cookie = f"known_browser_{awa.pk}"
    known.cookies[cookie] = browser.cookies[cookie].value
    give_wrong_codes_from_many_addresses()

    age(browser, "code_accepted", seconds=300)
    url, sent = approval(world)
    assert browser.post(url, {**sent, "code": code_of(device)}).status_code == 302
    assert Proposal.objects.get(pk=world.verification.pk).state == "approved"
    assert log_in(known) == CODE
    assert give(known, make_recovery_codes(awa, now=clock.now())[0]) == "/admin/"


def test_wrong_codes_of_a_day_are_limited_until_the_password_changes(awa: User) -> None:
    device = enrol(awa)
    give_wrong_codes_from_many_addresses()
    other = new_browser("10.9.0.1")
    assert log_in(other) == CODE
    assert LOCKED in give(other, code_of(device))

    awa.set_password("another-long-password")
    awa.save()

    assert log_in(other, password="another-long-password") == CODE
    assert give(other, code_of(device)) == "/admin/"


def test_wrong_codes_in_sessions_are_limited_until_the_next_login(
    world: World, awa: User, browser: Client
) -> None:
    device = with_device(browser, awa)
    url, sent = approval(world)
    for _ in range(5):
        assert "missing, wrong" in browser.post(url, {**sent, "code": "000000"}).content.decode()

    page = browser.post(url, {**sent, "code": code_of(device)}).content.decode()
    assert "Too many codes were wrong" in page
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"

    other = new_browser()
    log_in(other)
    assert give(other, code_of(device)) == "/admin/"
    code = make_recovery_codes(awa, now=clock.now())[0]
    assert browser.post(url, {**sent, "code": code}).status_code == 302


def test_lock_ignores_forwarded_addresses(awa: User, browser: Client) -> None:
    for number in range(5):
        browser.post(
            LOGIN, {"username": "awa", "password": "guess"}, headers={"x-forwarded-for": f"10.0.0.{number}"}
        )

    assert LOCKED in log_in(browser)
