"""Health, the admin, and what each role may see."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from ledger.enums import AuditKind
from ledger.health import HEALTH_CHECKS
from ledger.inbox import _receivables
from ledger.metrics import METRICS
from ledger.models import AuditRun, JournalTransaction
from ledger.roles import GRANTS
from ledger.services import post, take_back
from ledger.types import Line
from sunusav.api.cleaning import clean_up
from sunusav.backoffice.inbox import Amount, Waiting
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.ledger.builders import FUND, HOUR, MINUTE, NODE, NOW, person, received, stored_rate

pytestmark = pytest.mark.django_db
[RATE_AGE, _, AUDIT] = HEALTH_CHECKS


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


def audited(kind: AuditKind, at: datetime, *, breaches: int = 0) -> None:
    AuditRun.objects.create(
        kind=kind, started_at=at, ended_at=at, checked_since=at - 24 * HOUR if kind == AuditKind.FAST else None,
        last_transaction_id=0, breaches_found=breaches, waiting_found=0,
    )  # fmt: skip


def test_audit_that_never_ran_is_not_well() -> None:
    report = AUDIT.run(NOW)

    assert (report.status, report.facts) == ("degraded", {"late": ["fast", "full"], "breaches": 0})


@pytest.mark.parametrize(
    ("full_hours", "fast_hours", "status", "late"),
    [(26, 1, "ok", []), (28, 1, "degraded", ["full"]), (26, 3, "degraded", ["fast"]), (1, 3, "ok", [])],
)
def test_audit_is_late_after_two_hours_and_a_full_one_after_27(
    full_hours: int, fast_hours: int, status: str, late: list[str]
) -> None:
    audited(AuditKind.FULL, NOW - full_hours * HOUR)
    audited(AuditKind.FAST, NOW - fast_hours * HOUR)

    report = AUDIT.run(NOW)

    assert (report.status, report.facts["late"]) == (status, late)


def test_breach_of_full_audit_lasts_until_the_next_full_one_finds_nothing() -> None:
    audited(AuditKind.FULL, NOW - 2 * HOUR, breaches=3)
    audited(AuditKind.FAST, NOW - HOUR)
    assert (AUDIT.run(NOW).status, AUDIT.run(NOW).facts["breaches"]) == ("degraded", 3)

    audited(AuditKind.FULL, NOW)

    assert (AUDIT.run(NOW).status, AUDIT.run(NOW).facts["breaches"]) == ("ok", 0)


def test_metrics_report_the_last_audit_of_each_kind() -> None:
    audited(AuditKind.FULL, NOW - 2 * HOUR)
    audited(AuditKind.FAST, NOW - HOUR, breaches=1)
    samples = {
        metric.name: [(sample.value, sample.labels["kind"]) for sample in metric.read(NOW)]
        for metric in METRICS
        if metric.name.startswith("audit_")
    }

    assert samples == {
        "audit_age_seconds": [(3_600, "fast"), (7_200, "full")],
        "audit_breaches": [(1, "fast"), (0, "full")],
    }


def test_clean_up_removes_audits_of_more_than_90_days_ago() -> None:
    audited(AuditKind.FULL, NOW - timedelta(days=91))
    audited(AuditKind.FULL, NOW - timedelta(days=89))

    assert clean_up(now=NOW)["audit_runs"] == 1

    assert AuditRun.objects.get().started_at == NOW - timedelta(days=89)


def test_inbox_names_receivables_until_they_are_repaid() -> None:
    auditor = person("auditor", Role.AUDITOR)
    assert _receivables(auditor, NOW) is None
    lines = [*take_back({FUND: 10}), Line(NODE, -10)]
    post(kind="reversal", reference="r", lines=lines, at=NOW, subject="s")

    notice = _receivables(auditor, NOW + 3 * HOUR)

    assert notice is not None
    assert notice.waiting == Waiting(1, Amount(10), NOW)
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
