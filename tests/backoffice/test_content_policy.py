"""In a real browser: the login in two steps, and no page that breaks its content policy."""

import re
from base64 import b32decode

from django_otp.oath import totp
from playwright.sync_api import BrowserContext, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from sunusav.core.models import Proposal, User
from sunusav.core.roles import Role
from tests.backoffice.world import World, make_world, person
from tests.support.browser import IN_BROWSER, chromium, complaints_of, log_in

__all__ = ["chromium"]

PASSWORD = "a-long-password"
PUBLIC = ["/admin/login/", "/docs", "/redoc", "/problems", "/problems/not-found", "/partners/wave/done"]

pytestmark = IN_BROWSER


def _pages(world: World) -> list[str]:
    proposal, person_pk = Proposal.objects.earliest("pk").pk, world.proposer.pk
    return [
        "/admin/", "/admin/security/", "/admin/security/authenticator/", "/admin/password_change/",
        "/admin/core/proposal/", f"/admin/core/proposal/{proposal}/change/",
        f"/admin/core/proposal/actions/approve/?pk={proposal}", "/admin/core/user/add/",
        f"/admin/core/user/{person_pk}/change/", "/admin/core/staffsession/",
        "/admin/django_celery_beat/periodictask/", "/admin/transfers/disbursement/",
        f"/admin/transfers/disbursement/{world.failed.pk}/change/", "/admin/fees/feescheduledraft/add/",
    ]  # fmt: skip


def test_no_page_breaks_its_content_policy(chromium: BrowserContext, live_server: LiveServer) -> None:
    world, root = make_world(), User.objects.create_superuser("root")
    page = chromium.new_page()
    complaints = complaints_of(page)
    for path in PUBLIC:
        page.goto(live_server.url + path, wait_until="load")
    log_in(chromium, root, live_server)

    for path in _pages(world):
        response = page.goto(live_server.url + path, wait_until="load")
        assert response is not None
        assert (path, response.status) == (path, 200)

    assert complaints == []
    page.evaluate(
        "document.head.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert page.evaluate("window.ran") is None
    assert ["script-src" in complaint for complaint in complaints] == [True]


def test_person_sets_up_an_authenticator_and_logs_in_again_with_a_recovery_code(
    chromium: BrowserContext, live_server: LiveServer, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    make_world()
    awa = person("fatou", Role.APPROVER)
    awa.set_password(PASSWORD)
    awa.save()
    page = chromium.new_page()
    complaints = complaints_of(page)

    _give_password(page, live_server)
    secret = b32decode(page.locator("code.secret").inner_text().replace(" ", ""))
    assert page.locator(".qr svg").is_visible()
    page.get_by_label("Code à usage unique").fill(f"{totp(secret):06}")
    page.get_by_role("button", name="Confirmer et se connecter").click()
    codes = page.locator(".recovery-codes code").all_inner_texts()
    assert [bool(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code)) for code in codes] == [True] * 10
    page.get_by_role("link", name="Je les ai conservés").click()
    assert page.url == f"{live_server.url}/admin/"

    chromium.clear_cookies(name="sessionid")
    _give_password(page, live_server)
    page.get_by_label("Code à usage unique").fill("000000")
    page.get_by_role("button", name="Connexion").click()
    assert page.get_by_text("Le code à usage unique est faux").is_visible()
    page.get_by_label("Code à usage unique").fill(codes[0])
    page.get_by_role("button", name="Connexion").click()
    page.goto(f"{live_server.url}/admin/security/")

    assert page.locator("#sessions tbody tr").count() == 2
    assert page.get_by_text("celle-ci").count() == 1
    assert complaints == []


def _give_password(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/admin/login/")
    page.locator("[name=username]").fill("fatou")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Connexion").click()
