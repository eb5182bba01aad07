"""Decisions ask for a fresh code."""

import pytest
from django.test import Client

from sunusav.core.models import Proposal, User
from tests.backoffice.login.steps import age, approval, code_of, enrol, give, log_in, new_browser, with_device
from tests.backoffice.world import World


def test_approving_needs_a_fresh_code(world: World, awa: User, browser: Client) -> None:
    device = with_device(browser, awa)
    url, sent = approval(world)

    assert "missing, wrong or already used" in browser.post(url, sent).content.decode()
    assert "missing, wrong or already used" in browser.post(url, {**sent, "code": "12"}).content.decode()
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"

    assert browser.post(url, {**sent, "code": code_of(device)}).status_code == 302
    assert Proposal.objects.get(pk=world.verification.pk).state == "approved"


@pytest.mark.parametrize(("age_seconds", "state"), [(290, "approved"), (300, "open"), (-10, "open")])
def test_no_code_is_asked_for_five_minutes_after_the_last_one(
    world: World, awa: User, browser: Client, age_seconds: int, state: str
) -> None:
    device = enrol(awa)
    log_in(browser)
    assert give(browser, code_of(device)) == "/admin/"
    age(browser, "code_accepted", seconds=age_seconds)
    url, sent = approval(world)

    asked = browser.get(url, {"pk": world.verification.pk}).content.decode()
    browser.post(url, sent)

    assert ('name="code"' in asked) is (state == "open")
    assert Proposal.objects.get(pk=world.verification.pk).state == state


def test_code_of_another_session_counts_for_nothing(world: World, awa: User, browser: Client) -> None:
    device = enrol(awa)
    log_in(browser)
    give(browser, code_of(device))
    other = new_browser()
    other.force_login(awa)
    session = other.session
    session["otp_device_id"] = device.persistent_id
    session["code_accepted"] = browser.session["code_accepted"]
    session.save()
    url, sent = approval(world)

    assert "missing, wrong or already used" in other.post(url, sent).content.decode()
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"


def test_code_counts_for_nothing_once_the_session_is_rotated(
    world: World, awa: User, browser: Client
) -> None:
    device = enrol(awa)
    log_in(browser)
    give(browser, code_of(device))
    session = browser.session
    session.cycle_key()
    session.save()
    browser.cookies["sessionid"] = str(session.session_key)
    url, sent = approval(world)

    assert browser.get("/admin/").status_code == 200
    assert "missing, wrong or already used" in browser.post(url, sent).content.decode()
    assert Proposal.objects.get(pk=world.verification.pk).state == "open"
