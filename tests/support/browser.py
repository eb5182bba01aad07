"""Chromium for tests of pages, and what it complains about.

`make test` installs it as root on Debian. Where it is missing, these tests are skipped; on CI they fail.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from sunusav.core.models import User

CHROMIUM = shutil.which("chromium") or ""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
IN_BROWSER = [
    pytest.mark.skipif(not CHROMIUM and not os.environ.get("CI"), reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def chromium(monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserContext]:
    """Return a browser's context; Playwright's event loop makes Django think that tests are asynchronous."""
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    assert CHROMIUM, "Chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser.new_context(locale="fr-SN")
        browser.close()


def complaints_of(page: Page) -> list[str]:
    """Return a list that fills with what the browser reports about scripts and policies."""
    found: list[str] = []
    page.on("console", lambda line: found.append(f"{page.url}: {line.text}") if _is_complaint(line) else None)
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: found.append(f"{page.url}: {error}"))
    return found


def log_in(context: BrowserContext, user: User, live_server: LiveServer) -> None:
    """Give the browser a session of this person, in place of the one it had."""
    session = Client()
    session.force_login(user)
    cookie = session.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])


def keep_screenshot(page: Page, name: str) -> None:
    """Keep a picture of the page below `.run/screenshots`, for people to look at after the run."""
    folder = Path(settings.BASE_DIR) / ".run" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def _is_complaint(line: ConsoleMessage) -> bool:
    """Return whether this is an error, but for a logo of another host that we refuse."""
    return line.type == "error" and "cdn.redoc.ly" not in line.text and not _is_old_icon(line)


def _is_old_icon(line: ConsoleMessage) -> bool:
    """Return whether the browser asked for an icon that pages without one lack (/docs, /redoc)."""
    return line.location["url"].endswith("/favicon.ico")
