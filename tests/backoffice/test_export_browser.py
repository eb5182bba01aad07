"""In a real browser: an auditor exports a filtered list, watches it being prepared, and downloads the file."""

from pathlib import Path

import openpyxl
from playwright.sync_api import BrowserContext
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from sunusav.backoffice.list_exports import prepare_exports
from sunusav.core import clock
from sunusav.core.models import Export
from sunusav.core.roles import Role
from tests.backoffice.world import make_world, person
from tests.support.browser import IN_BROWSER, chromium, complaints_of, log_in

__all__ = ["chromium"]
pytestmark = IN_BROWSER


def test_auditor_exports_a_list_and_downloads_it(
    chromium: BrowserContext, live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    settings.EXPORTS_DIR = tmp_path / "exports"
    world = make_world()
    log_in(chromium, person("aminata", Role.AUDITOR), live_server)
    page = chromium.new_page()
    complaints = complaints_of(page)

    page.goto(f"{live_server.url}/admin/transfers/disbursement/?state__exact=failed")
    page.get_by_role("link", name="Exporter").click()
    page.get_by_label("XLSX").check()
    page.get_by_role("button", name="Préparer le fichier").click()
    page.get_by_text("Le fichier est en préparation").wait_for()
    page.get_by_role("progressbar", name="Avancement").wait_for()
    prepare_exports(clock=clock.now)
    download_link = page.get_by_role("link", name="Télécharger")
    download_link.wait_for()  # the page finds out by itself
    with page.expect_download() as downloading:
        download_link.click()
    downloading.value.save_as(tmp_path / "got.xlsx")

    heads, row = openpyxl.load_workbook(tmp_path / "got.xlsx").worksheets[0].iter_rows(values_only=True)
    assert dict(zip(heads, row, strict=True))["ID"] == world.failed.pk
    assert dict(zip(heads, row, strict=True))["État"] == "échec"
    assert Export.objects.get().state == "ready"
    assert complaints == []
