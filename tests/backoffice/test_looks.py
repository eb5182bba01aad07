"""In a real browser: no page scrolls sideways at 360 px, and every text has the contrast of WCAG AA in both themes."""

from typing import Any, Literal

import pytest
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from sunusav.backoffice.navigation import Area
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.backoffice.world import World, make_world, person
from tests.support.browser import IN_BROWSER, chromium, keep_screenshot, log_in

__all__ = ["chromium"]

pytestmark = IN_BROWSER

WIDTHS = (360, 1280, 1920)
# The ratio of WCAG 2.2, success criterion 1.4.3: 4.5, and 3 for text of 24 px, or of 18.66 px in bold.
POOR_CONTRAST = """() => {
  const pen = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (color, over) => {
    pen.clearRect(0, 0, 1, 1);
    for (const layer of [over, color]) { pen.fillStyle = layer; pen.fillRect(0, 0, 1, 1); }
    return [...pen.getImageData(0, 0, 1, 1).data];
  };
  const css = ([r, g, b, a]) => `rgba(${r}, ${g}, ${b}, ${a / 255})`;
  const ground = element => {
    const above = element.parentElement ? ground(element.parentElement) : [255, 255, 255, 255];
    return rgba(getComputedStyle(element).backgroundColor, css(above));
  };
  const luminance = ([r, g, b]) => [r, g, b]
    .map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const found = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.data.trim();
    const isShown = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
    if (!text || !isShown || element.closest('[disabled], .material-symbols-outlined, script, style')) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const under = ground(element), ink = rgba(style.color, css(under));
    const [light, dark] = [luminance(ink), luminance(under)].sort((one, other) => other - one);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < (isLarge ? 3 : 4.5)) found.add(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return [...found];
}"""
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def _pages(world: World) -> dict[str, str]:
    return {
        "first": "/admin/", "area": Area.PAYMENTS.url(), "list": "/admin/transfers/disbursement/",
        "payment": f"/admin/transfers/disbursement/{world.failed.pk}/change/",
        "cycle": f"/admin/payouts/cycle/{world.collecting.pk}/change/",
        "proposal": f"/admin/core/proposal/{world.manual_rate.pk}/change/",
        "approve": f"/admin/core/proposal/actions/approve/?pk={Proposal.objects.earliest('pk').pk}",
        "draft": f"/admin/fees/feescheduledraft/{world.draft.pk}/change/",
        "schedules": "/admin/django_celery_beat/periodictask/", "search": "/admin/search/?q=medina",
        "books": "/admin/ledger/journalentry/", "security": "/admin/security/",
    }  # fmt: skip


@pytest.fixture
def page(chromium: BrowserContext, live_server: LiveServer) -> Page:
    opened = chromium.new_page()
    opened.set_default_timeout(60_000)
    return opened


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_fit_and_can_be_read(
    page: Page, live_server: LiveServer, theme: Literal["light", "dark"]
) -> None:
    world = make_world()
    page.emulate_media(color_scheme=theme)
    wrong: list[Any] = []
    for name, path in _pages(world).items():
        role = Role.APPROVER if name in {"first", "approve", "proposal"} else Role.FINANCE
        log_in(page.context, person(f"a-{role.value}", role), live_server)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            answer = page.goto(live_server.url + path, wait_until="load")
            assert answer is not None
            assert (path, answer.status) == (path, 200)
            keep_screenshot(page, f"{name}-{width}-{theme}")
            wrong += [(path, width, text) for text in page.evaluate(POOR_CONTRAST)]
            if sideways := page.evaluate(SIDEWAYS):
                wrong.append((path, width, f"{sideways} px sideways"))

    assert wrong == []


def test_poor_contrast_is_found(page: Page) -> None:
    page.set_content(
        "<body style='background: white'><p style='color: #777'>grey</p><p style='color: #767676'>darker</p>"
        "<b style='color: #949494; font-size: 19px'>large</b><i style='color: #000; opacity: 0'>hidden</i>"
    )

    assert page.evaluate(POOR_CONTRAST) == ["grey: 4.48"]
