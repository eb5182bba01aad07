"""Health, the admin, and what each role may see."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from ledger.backoffice import _receivables
from ledger.health import HEALTH_CHECKS
from ledger.models import JournalTransaction
from ledger.roles import GRANTS
from ledger.services import post, take_back
from ledger.types import Line
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.ledger.builders import FUND, HOUR, MINUTE, NODE, NOW, person, received, stored_rate

pytestmark = pytest.mark.django_db
[RATE_AGE, _] = HEALTH_CHECKS


def test_rate_age_without_a_rate_is_degraded() -> None:
    report = RATE_AGE.run(NOW)

    assert (RATE_AGE.component, report.status) == ("rate_age", "degraded")
    assert report.facts == {"age_seconds": None, "uses_fallback": True}


@pytest.mark.parametrize(("minutes", "status"), [(0, "ok"), (14, "ok"), (15, "degraded")])
def test_rate_age_follows_the_newest_accepted(minutes: int, status: str) -> None:
    stored_rate(at=NOW - minutes * MINUTE)
    stored_rate(at=NOW, is_quarantined=True, quarantine_reason="jumped")

    report = RATE_AGE.run(NOW)

    assert (report.status, report.facts["age_seconds"]) == (status, minutes * 60)


def test_inbox_names_receivables_until_they_are_repaid() -> None:
    auditor = person("auditor", Role.AUDITOR)
    assert _receivables(auditor, NOW) is None
    lines = [*take_back({FUND: 10}), Line(NODE, -10)]
    post(kind="reversal", reference="r", lines=lines, at=NOW, subject="s")

    notice = _receivables(auditor, NOW + 3 * HOUR)

    assert notice is not None
    assert str(notice.value).replace("\xa0", " ") == "1, the oldest for 3 hours"
    assert (notice.tone, notice.url) == ("attention", "/admin/ledger/account/?role__exact=receivable")


def test_auditor_sees_every_model_and_changes_none() -> None:
    auditor = person("auditor", Role.AUDITOR)
    ours = [model for model in admin.site._registry if model._meta.app_label == "ledger"]

    assert len(ours) >= 6
    for model in ours:
        assert auditor.has_perm(f"ledger.view_{model._meta.model_name}")
    granted = dict(GRANTS)[Role.AUDITOR]
    assert all(permission.startswith("ledger.view_") for permission in granted)


@pytest.fixture
def page() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize(
    "model",
    [
        "account",
        "journaltransaction",
        "ledgerseal",
        "exchangerate",
        "manualraterequest",
        "currencyconversion",
    ],
)
def test_admin_list_cannot_add(page: Client, model: str, settings: Any) -> None:
    received("r-1")

    assert page.get(f"/admin/ledger/{model}/").status_code == 200
    assert page.get(f"/admin/ledger/{model}/add/").status_code == 403


def test_admin_page_of_a_transaction_is_read_only(page: Client) -> None:
    pk = received("r-1")
    address = f"/admin/ledger/journaltransaction/{pk}/change/"

    assert page.get(address).status_code == 200
    assert page.post(address, {"kind": "other"}).status_code == 403
    assert page.post(f"/admin/ledger/journaltransaction/{pk}/delete/", {"post": "yes"}).status_code == 403
    assert JournalTransaction.objects.get(pk=pk).kind == "deposit"
