"""A person exports what a list shows to them, follows it, and downloads it alone; every step is in the trail."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib import admin
from django.test import Client
from pytest_django import Settings

from ledger.models import JournalEntry
from payouts.models import Member
from sunusav.backoffice.list_exports import prepare_exports, source_for
from sunusav.core import clock
from sunusav.core.models import Export, TrailEntry, User
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World
from transfers.models import Disbursement

pytestmark = pytest.mark.each_leg

PAYMENTS, ENTRIES = "/admin/transfers/disbursement/", "/admin/ledger/journalentry/"


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return tmp_path / "exports"


def ask(client: Client, list_url: str, *, query: str = "", file_format: str = "csv") -> Export:
    """Ask for an export on the page of its list; return it."""
    response = client.post(f"{request_url(list_url)}{query}", {"file_format": file_format})
    assert response.status_code == 302, response.content.decode()
    return Export.objects.latest("pk")


def request_url(list_url: str) -> str:
    *_, app, model, _ = list_url.split("/")
    return f"/admin/core/export/new/{app}.{model}/"


def page_of(export: Export) -> str:
    return f"/admin/core/export/{export.pk}/change/"


def ready(client: Client, list_url: str, **facts: Any) -> Export:
    """Ask for an export and prepare it."""
    export = ask(client, list_url, **facts)
    while prepare_exports(clock=clock.now):
        pass
    export.refresh_from_db()
    assert export.state == "ready", (export.failure_code, export.failure_facts)
    return export


def link_on(client: Client, export: Export) -> str:
    page = client.get(page_of(export))
    buttons = [button.url for button in page.context["buttons"]]
    assert len(buttons) == 1
    return str(buttons[0])


def download(client: Client, export: Export) -> bytes:
    response = client.get(link_on(client, export))
    assert response.status_code == 200
    return b"".join(response)


def rows_of(client: Client, list_url: str, separator: str = ",", **facts: Any) -> list[dict[str, str]]:
    content = download(client, ready(client, list_url, **facts)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content, newline=""), delimiter=separator))


def _exported() -> list[tuple[str, Any]]:
    return [
        (model._meta.label_lower, model_admin)
        for model, model_admin in admin.site._registry.items()
        if getattr(model_admin, "is_exported", False)
    ]


def test_every_list_but_that_of_exports_can_be_exported(world: World, enter: Enter) -> None:
    client, made = enter(None), 0

    assert {model._meta.label_lower for model in admin.site._registry} - {
        name for name, _ in _exported()
    } == {"core.export", "knox.authtoken"}
    for name, model_admin in _exported():
        shown = source_for(User.objects.get(username="root"), name, {}).keys.count()
        export = ready(client, model_admin._url("changelist"))
        assert (name, export.rows_done) == (name, shown)
        made += export.rows_done
    assert made > 100


@pytest.mark.parametrize("name", [name for name, _ in _exported()])
def test_every_header_is_once_in_its_file(name: str, db: None) -> None:
    heads = [
        column.header
        for column in source_for(User(is_active=True, is_staff=True, is_superuser=True), name, {}).columns
    ]

    assert all(heads)
    assert len(set(heads)) == len(heads)


def test_export_has_the_rows_that_the_list_shows(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    list_page = client.get(f"{PAYMENTS}?state__exact=failed")
    button = list_page.context["buttons"][-1]
    assert (str(button.label), button.url) == ("Export", f"{request_url(PAYMENTS)}?state__exact=failed")

    rows = rows_of(client, PAYMENTS, query="?state__exact=failed&o=1&p=3")
    found = rows_of(client, PAYMENTS, query="?q=cycle:demo-cycle")

    assert [row["ID"] for row in rows] == [str(world.failed.pk)]
    assert [(row["ID"], row["Subject"], row["State"]) for row in found] == [
        (str(world.paid.pk), "cycle:demo-cycle", "completed")
    ]
    assert (found[0]["Payout (sats)"], found[0]["Fee (sats)"], found[0]["Net (sats)"]) == (
        "30000",
        "150",
        "29850",
    )


def test_rows_that_come_after_the_request_are_not_in_the_file(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    before = TrailEntry.objects.count()

    export = ready(client, "/admin/core/trailentry/")

    assert (export.rows_done, TrailEntry.objects.count() > before) == (before, True)


def test_totals_of_the_journal_are_equal_in_csv_and_xlsx(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    rows = rows_of(client, ENTRIES)
    book = openpyxl.load_workbook(io.BytesIO(download(client, ready(client, ENTRIES, file_format="xlsx"))))
    heads, *cells = book.worksheets[0].iter_rows(values_only=True)
    booked = JournalEntry.objects.filter(currency="msat", amount__gt=0).values_list("amount", flat=True)
    expected = Decimal(sum(booked)) / 1_000

    assert expected > 0
    for head in ("Debit (sats)", "Credit (sats)"):
        place = list(heads).index(head)
        assert sum(Decimal(row[head] or 0) for row in rows) == expected
        assert sum(Decimal(str(row[place] or 0)) for row in cells) == expected


def test_file_is_in_the_language_of_the_person(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"

    rows = rows_of(client, PAYMENTS, separator=";", query="?state__exact=failed")

    assert set(rows[0]) >= {"État", "Net (sats)", "Commission (sats)", "Demandé le (heure de Dakar)"}
    assert rows[0]["État"] == "échec"


def test_names_and_phones_are_masked_as_on_the_screen(world: World, enter: Enter) -> None:
    content = download(enter(None), ready(enter(None), "/admin/payouts/member/")).decode()

    assert Member.objects.exists()
    assert "A. N." in content
    assert "+22177•••••67" in content
    assert "+221771234567" not in content
    assert "Awa Ndiaye" not in content


def test_download_is_an_attachment_that_nothing_keeps(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    export = ready(client, PAYMENTS, file_format="pdf")

    response = client.get(link_on(client, export))

    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"].startswith('attachment; filename="disbursements-')
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"".join(response).startswith(b"%PDF-")


def test_another_person_finds_no_trace_of_an_export(world: World, enter: Enter) -> None:
    owner = enter(Role.AUDITOR)
    export = ready(owner, PAYMENTS)
    link = link_on(owner, export)

    for role in (Role.FINANCE, None):
        other = enter(role)
        urls = [page_of(export), f"/admin/core/export/{export.pk}/progress/", link]
        assert [other.get(url).status_code for url in urls] == [404, 404, 404]
        assert list(other.get("/admin/core/export/").context["cl"].result_list) == []
        other.post("/admin/core/export/actions/cancel/", {"pk": export.pk})
    assert _actions(export) == ["request_export", "finish_export"]


def test_expired_link_finds_nothing(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    export = ready(client, PAYMENTS)
    link = link_on(client, export)
    Export.objects.filter(pk=export.pk).update(
        requested_at=export.requested_at - timedelta(days=2), expires_at=clock.now()
    )

    assert client.get(link).status_code == 404
    assert client.get(link[:-2] + "/").status_code == 404


def test_right_that_is_lost_before_the_download_refuses_it(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    export = ready(client, PAYMENTS)
    link = link_on(client, export)
    export.requester.groups.clear()

    assert client.get(link).status_code == 403
    assert _actions(export) == ["request_export", "finish_export"]


def test_right_that_is_lost_while_it_is_prepared_ends_the_export(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    export = ask(client, PAYMENTS)
    export.requester.groups.clear()

    prepare_exports(clock=clock.now)

    export.refresh_from_db()
    assert (export.state, export.failure_code, export.rows_done) == ("failed", "export-not-allowed", 0)


def test_role_that_does_not_see_a_list_cannot_export_it(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)

    for method in (client.get, client.post):
        assert method("/admin/core/export/new/core.outboxmessage/", {"file_format": "csv"}).status_code == 403
    assert not Export.objects.exists()


@pytest.mark.parametrize("query", ["?state__exact=none-such&nonsense=1", "?requested_at__gte=yesterday"])
def test_filters_that_the_list_does_not_know_are_refused(world: World, enter: Enter, query: str) -> None:
    response = enter(Role.AUDITOR).post(
        f"{request_url(PAYMENTS)}{query}", {"file_format": "csv"}, follow=True
    )

    assert response.redirect_chain == [(PAYMENTS, 302)]
    assert "[export-filters-invalid]" in response.content.decode()
    assert not Export.objects.exists()


def test_filters_on_hidden_columns_are_refused(world: World, enter: Enter) -> None:
    response = enter(Role.AUDITOR).get(f"{request_url(PAYMENTS)}?person_ref__startswith=member", follow=True)

    assert "[export-filters-invalid]" in response.content.decode()


def test_page_names_what_the_file_will_hold(world: World, enter: Enter) -> None:
    query = "state__exact=failed&q=cycle:x&requested_at__gte=2026-01-01"
    page = enter(Role.AUDITOR).get(f"{request_url(PAYMENTS)}?{query}").content.decode()

    assert "State: failed" in page
    assert "Requested at: from 2026-01-01" in page
    assert "Search: cycle:x" in page
    assert "Net (sats)" in page
    assert "at most 1\u202f048\u202f575 rows" in page


def test_page_follows_an_export_and_cancels_it(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    export = ask(client, PAYMENTS)

    page = client.get(page_of(export))
    progress = client.get(f"/admin/core/export/{export.pk}/progress/").json()

    assert 'data-url="/admin/core/export/' in page.content.decode()
    assert "backoffice/export.js" in page.content.decode()
    assert progress == {"per_cent": 0, "text": "0 rows so far, about 0 %", "state": "preparing"}
    assert [str(button.label) for button in page.context["buttons"]] == ["Cancel the export"]

    client.post("/admin/core/export/actions/cancel/", {"pk": export.pk})
    export.refresh_from_db()
    assert export.state == "cancelled"
    assert _actions(export) == ["request_export", "cancel_export"]


def test_trail_names_the_filters_and_not_what_was_searched_for(world: World, enter: Enter) -> None:
    client = enter(Role.AUDITOR)
    export = ready(client, PAYMENTS, query="?q=%2B221771234567")
    download(client, export)

    entries = TrailEntry.objects.filter(subject=f"export:{export.pk}").order_by("pk")
    facts = {"list": "transfers.disbursement", "file_format": "csv", "filters": ["q"]}
    assert [(entry.action, entry.actor_label) for entry in entries] == [
        ("request_export", "a-auditor"), ("finish_export", "system:core.exports"), ("download_export", "a-auditor"),
    ]  # fmt: skip
    assert (entries[0].facts, entries[2].facts) == (facts, facts | {"rows": 0})


def test_payment_with_two_destinations_is_exported_once(world: World, enter: Enter) -> None:
    assert Disbursement.objects.count() == 2

    rows = rows_of(enter(Role.AUDITOR), PAYMENTS, query="?destinations__rail=lightning")

    assert sorted(row["ID"] for row in rows) == sorted([str(world.paid.pk), str(world.failed.pk)])


def _actions(export: Export) -> list[str]:
    entries = TrailEntry.objects.filter(subject=f"export:{export.pk}").order_by("pk")
    return list(entries.values_list("action", flat=True))
