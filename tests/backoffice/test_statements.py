"""Statements in the back office: finance imports a file and explains what differs, an approver decides the rest."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from sunusav.backoffice.charts import charts_for
from sunusav.backoffice.inbox import ALARM, ATTENTION, Notice, notices_for
from sunusav.backoffice.navigation import Area
from sunusav.core import clock
from sunusav.core.models import Proposal
from sunusav.core.readings import health_of
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person
from tests.factories.statements import imported, make_format, statement
from tests.support.health import read_health
from transfers.models import MatchingRule, StatementFormat, StatementImport, StatementItem, StatementLine

pytestmark = pytest.mark.django_db

IMPORTS = "/admin/transfers/statementimport/"
ITEMS = "/admin/transfers/statementitem/"
FORMATS = "/admin/transfers/statementformat/"
RULES = "/admin/transfers/matchingrule/"
FORM = {
    "source": "bank", "moment_column": "Date", "moment_format": "%Y-%m-%d", "reference_column": "Reference",
    "amount_reading": "amount_signed", "amount_column": "Amount", "text_column": "Note", "encoding": "utf-8",
    "delimiter": ";", "decimal_mark": ".", "thousands_mark": "", "header_row": "1", "tolerance_xof": "0",
    "reason": "as the bank sends it",
}  # fmt: skip


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    sync_roles()


def page(client: Client, url: str) -> str:
    answer = client.get(url, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, url: str, **sent: Any) -> str:
    answer = client.post(url, sent, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def upload(client: Client, content: bytes, **sent: Any) -> str:
    file = SimpleUploadedFile("march.csv", content)
    return post(client, f"{IMPORTS}actions/import/", source="bank", file=file, **sent)


def notice() -> Notice | None:
    found = notices_for(person("i", Role.FINANCE), now=clock.now())
    return next((one for one in found if str(one.title) == "Differences from statements to explain"), None)


def test_finance_saves_a_format_and_imports_a_file_once(enter: Enter) -> None:
    finance = enter(Role.FINANCE)
    assert "Files of this source are read by it from now on" in page(finance, f"{FORMATS}actions/save/")
    assert "saved" in post(finance, f"{FORMATS}actions/save/", **FORM)
    assert StatementFormat.objects.get().version == 1
    asked = page(finance, f"{IMPORTS}actions/import/")
    assert 'enctype="multipart/form-data"' in asked

    done = upload(finance, statement(("fee", "-25.5"), ("odd", "7")))

    assert "imported: 2 new lines, 0 matched, 2 to explain" in done
    assert upload(finance, statement(("fee", "-25.5"), ("odd", "7"))).count("was imported before") == 1
    row = StatementImport.objects.get()
    shown = page(finance, f"{IMPORTS}{row.pk}/change/")
    assert "march.csv" in shown
    assert "−25.5\u00a0F\u00a0CFA" in shown
    assert "Statement imported: 2 lines, 2 of them new" in shown
    line = StatementLine.objects.get(reference="fee")
    assert "Nothing that was expected." in page(finance, f"/admin/transfers/statementline/{line.pk}/change/")


def test_file_that_is_refused_names_its_rows_and_imports_nothing(enter: Enter) -> None:
    make_format(now=clock.now(), source="bank")

    shown = upload(enter(Role.FINANCE), statement(("fee", "-25"), ("fee", "much")))

    assert "1 rows cannot be read, and nothing was imported: #3: the amount is no number." in shown
    assert StatementImport.objects.count() == 0


def test_larger_file_is_refused_by_the_form(enter: Enter) -> None:
    make_format(now=clock.now(), source="bank")

    assert "The file is larger than 10 MB." in upload(enter(Role.FINANCE), bytes(10_000_001))
    assert StatementImport.objects.count() == 0


def test_file_larger_than_an_attachment_arrives_whole(enter: Enter) -> None:
    make_format(now=clock.now(), source="bank")
    content = statement(("fee", "-25"), ("odd", "7"))
    padded = content + (b" " * 1_999 + b"\n") * 3_000

    assert "imported: 2 new lines" in upload(enter(Role.FINANCE), padded)
    assert StatementImport.objects.get().sha256 == sha256(padded).hexdigest()


def test_format_that_does_not_fit_together_is_not_saved(enter: Enter) -> None:
    shown = post(enter(Role.FINANCE), f"{FORMATS}actions/save/", **{**FORM, "amount_column": ""})

    assert "The format does not fit together: column of the amount." in shown
    assert StatementFormat.objects.count() == 0


def test_finance_saves_a_rule(enter: Enter) -> None:
    sent = {
        "source": "bank",
        "name": "fees",
        "tolerance_xof": "5",
        "days": "2",
        "text": "fee",
        "reason": "monthly",
    }

    post(enter(Role.FINANCE), f"{RULES}actions/save/", is_on="on", **sent)
    post(enter(Role.FINANCE), f"{RULES}actions/save/", **sent)

    assert list(MatchingRule.objects.order_by("pk").values_list("version", "is_on", "tolerance_xof")) == [
        (1, True, Decimal(5)), (2, False, Decimal(5)),
    ]  # fmt: skip


def test_difference_is_taken_given_commented_and_resolved_by_two_people(enter: Enter) -> None:
    make_format(now=clock.now(), source="bank")
    imported(("fee", "-25.5"), now=clock.now(), source="bank")
    item = StatementItem.objects.get()
    finance, approver, url = enter(Role.FINANCE), enter(Role.APPROVER), f"{ITEMS}{item.pk}/change/"
    other = person("moussa", Role.FINANCE).get_username()
    shown = page(finance, url)
    assert "Waits for a person of finance to take it." in shown
    assert "Expected 0\u00a0F\u00a0CFA, found −25.5\u00a0F\u00a0CFA." in shown

    post(finance, f"{ITEMS}actions/take/", pk=item.pk)
    post(finance, f"{ITEMS}actions/comment/", pk=item.pk, reason="asked the bank")
    post(finance, f"{ITEMS}actions/give/", pk=item.pk, owner=other, reason="knows the bank")
    sent = {"pk": item.pk, "reason_code": "not_ours", "reason": "of another shop"}
    assert "proposed; another person has to approve" in post(
        finance, f"{ITEMS}actions/propose-resolution/", **sent
    )

    item.refresh_from_db()
    assert item.owner is not None
    assert item.owner.get_username() == other
    shown = page(finance, url)
    for text in ("asked the bank", "knows the bank", f"Given to {other}", "concerns another account"):
        assert text in shown
    proposal = Proposal.objects.get()
    asked = page(approver, f"/admin/core/proposal/{proposal.pk}/change/")
    for text in ("Nothing is booked", "concerns another account", "of another shop", "−25.5\u00a0F\u00a0CFA"):
        assert text in asked
    seen = {"pk": proposal.pk, f"seen-{proposal.pk}": proposal.digest}
    approver.post("/admin/core/proposal/actions/approve/", seen)
    item.refresh_from_db()
    assert item.state == "resolved"
    assert "Two people closed it: concerns another account" in page(finance, url)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_others_read_and_change_nothing(enter: Enter, role: Role) -> None:
    make_format(now=clock.now(), source="bank")
    imported(("fee", "-25.5"), now=clock.now(), source="bank")
    item, client = StatementItem.objects.get(), enter(role)

    assert f"{ITEMS}{item.pk}/change/" in page(client, ITEMS)
    for url in (f"{IMPORTS}actions/import/", f"{FORMATS}actions/save/", f"{RULES}actions/save/"):
        assert client.get(url).status_code == 403
    for slug in ("take", "give", "comment", "propose-resolution"):
        assert client.get(f"{ITEMS}actions/{slug}/?pk={item.pk}").status_code == 403


def test_list_filters_by_state_source_kind_and_owner(enter: Enter) -> None:
    make_format(now=clock.now(), source="bank")
    imported(("fee", "-25.5"), ("odd", "7"), now=clock.now(), source="bank")
    finance = enter(Role.FINANCE)
    item = StatementItem.objects.get(reference="odd")
    post(finance, f"{ITEMS}actions/take/", pk=item.pk)

    for query, count in {
        "owned=mine": 1, "owned=nobody": 1, "source=bank": 2, "code__exact=statement_missing": 0,
        "state__exact=open": 2, "q=odd": 1,
    }.items():  # fmt: skip
        shown = page(finance, f"{ITEMS}?{query}")
        assert sum(f"{ITEMS}{row.pk}/change/" in shown for row in StatementItem.objects.all()) == count, query


def test_inbox_shows_how_many_are_open_since_when_and_how_much() -> None:
    assert notice() is None
    now = clock.now()
    make_format(now=now, source="bank")
    imported(("fee", "-25"), ("odd", "7"), now=now - timedelta(days=5), source="bank")

    shown = notice()

    assert shown is not None
    assert shown.waiting is not None
    assert shown.waiting.amount is not None
    assert (shown.tone, shown.waiting.count, shown.waiting.amount.xof) == (ATTENTION, 2, 32)
    StatementItem.objects.update(opened_at=now - timedelta(days=32))
    late = notice()
    assert late is not None
    assert late.tone == ALARM


def test_chart_shows_the_open_ones_by_age() -> None:
    now = clock.now()
    make_format(now=now, source="bank")
    imported(("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1"), now=now, source="bank")
    ages = (
        timedelta(days=7, hours=23),
        timedelta(days=8, hours=1),
        timedelta(days=31, hours=1),
        timedelta(days=92),
    )
    for reference, age in zip("abcd", ages, strict=True):
        StatementItem.objects.filter(reference=reference).update(opened_at=now - age)
    StatementItem.objects.filter(reference="e").update(state="lapsed", closed_at=now)

    charts = charts_for(person("i", Role.FINANCE), now=now, area=Area.CONTROL)
    [drawn] = [one for one in charts if one.chart.name == "statement-ages"]

    values = {str(line.label): [point.value for point in line.points] for line in drawn.figures.lines}
    assert values["not expected"] == [1, 1, 1, 1]
    assert values["another amount"] == [0, 0, 0, 0]


def test_health_is_degraded_by_a_difference_of_more_than_a_month() -> None:
    now = clock.now()
    make_format(now=now, source="bank")
    imported(("a", "1"), now=now, source="bank")
    read_health("statements", now=now)
    part = health_of("statements", now=now)
    assert (part["status"], part["bank"]["open"]) == ("ok", 1)

    StatementItem.objects.update(opened_at=now - timedelta(days=32))

    read_health("statements", now=now)
    assert health_of("statements", now=now)["status"] == "degraded"
