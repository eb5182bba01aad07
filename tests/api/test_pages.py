"""Health, metrics, the OpenAPI document, the catalogue of problems."""

import re
import tomllib
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from pytest_django import Settings
from rest_framework.test import APIClient

from sunusav.api import health
from sunusav.api.health import check_health, components, worst
from sunusav.api.prometheus import metrics_text
from sunusav.celery import app as celery
from sunusav.core import clock, metrics
from sunusav.core.actors import Actor
from sunusav.core.health import DEGRADED, DOWN, OK, HealthCheck, HealthReport
from sunusav.core.metrics import Metric, Sample
from sunusav.core.roles import Role
from sunusav.core.switches import pause_outgoing
from tests.factories.users import client_in
from tests.support.broker import broker_at

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[HealthCheck]:
    """The checks of this app, for a test to change."""
    mine: list[HealthCheck] = []
    monkeypatch.setattr(health, "HEALTH_CHECKS", mine)
    return mine


# Health


@pytest.mark.django_db
def test_health_answers_everyone_without_a_query(django_assert_num_queries: Any, settings: Settings) -> None:
    with django_assert_num_queries(0):
        response = APIClient().get("/health")
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    assert response.json() == {"status": "ok", "service": project["name"], "version": project["version"]}


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_every_role_sees_the_components(role: Role, checks: list[HealthCheck]) -> None:
    response = client_in(role).get("/monetization/health")
    assert response.status_code == 200
    assert response.json()["components"]["database"]["status"] == "ok"


@pytest.mark.django_db
def test_component_that_fails_is_down_and_the_page_still_answers(checks: list[HealthCheck]) -> None:
    def broken(now: datetime) -> HealthReport:
        raise ConnectionRefusedError("secret-host:1234")

    checks.append(HealthCheck("kettle", broken))
    response = client_in(Role.OPERATOR).get("/monetization/health")
    assert (response.status_code, response.json()["status"]) == (200, "down")
    assert response.json()["components"]["kettle"] == {"status": "down", "error": "ConnectionRefusedError"}
    assert b"secret-host" not in response.content


@pytest.mark.django_db
def test_checks_of_one_component_are_merged(checks: list[HealthCheck]) -> None:
    checks += [
        HealthCheck("kettle", lambda _: HealthReport("degraded", {"cups": 3})),
        HealthCheck("kettle", lambda _: HealthReport(OK, {"pots": 0})),
    ]
    assert components(now=NOW)["kettle"] == {"status": "degraded", "cups": 3, "pots": 0}


@pytest.mark.parametrize(
    ("statuses", "result"),
    [((), "ok"), (("ok", "degraded"), "degraded"), (("degraded", "down", "ok"), "down")],
)
def test_worst_status_wins(statuses: tuple[str, ...], result: str) -> None:
    assert worst(*statuses) == result


@pytest.mark.django_db
def test_unreachable_broker_is_reported_down() -> None:
    started = datetime.now(UTC)
    with broker_at("redis://127.0.0.1:1/0"):
        found = components(now=NOW)
    assert found["broker"]["status"] == found["workers"]["status"] == DOWN
    assert datetime.now(UTC) - started < timedelta(seconds=6)


@pytest.mark.slow
@pytest.mark.redis
def test_workers_are_degraded_while_a_queue_has_none(redis_url: str) -> None:
    """Another worker's answer must not hide that the one that pays is gone."""
    with broker_at(redis_url):
        assert health._workers(NOW).facts == {
            "answered": 0,
            "queues_without_worker": ["default", "payouts", "reports", "settlements", "webhooks"],
        }  # fmt: skip
        with _worker_of("default", "settlements", "reports", "webhooks"):
            report = health._workers(NOW)
            assert (report.status, report.facts["queues_without_worker"]) == (DEGRADED, ["payouts"])
        with _worker_of("default", "payouts", "reports", "settlements", "webhooks"):
            report = health._workers(NOW)
            assert (report.status, report.facts) == (OK, {"answered": 1, "queues_without_worker": []})


def _worker_of(*queues: str) -> AbstractContextManager[Any]:
    return start_worker(
        celery,
        pool="solo",
        queues=queues,
        perform_ping_check=False,
        loglevel="ERROR",
    )


@pytest.mark.django_db
def test_beat_without_a_recent_run_is_down() -> None:
    assert health._beat(NOW).status == DOWN
    interval = IntervalSchedule.objects.create(every=10, period="seconds")
    PeriodicTask.objects.create(name="t", task="t", interval=interval, last_run_at=NOW - timedelta(minutes=4))
    assert health._beat(NOW).status == OK
    assert health._beat(NOW + timedelta(minutes=2)).status == DOWN


@pytest.mark.django_db
def test_pause_is_reported_as_degraded() -> None:
    assert health._outgoing(NOW).status == OK
    pause_outgoing(actor=Actor.system("test"), reason="odd node", now=NOW)
    assert health._outgoing(NOW) == HealthReport(
        "degraded", {"paused_at": NOW, "reason": "odd node", "sends_that_may_leave": 0}
    )


@pytest.mark.django_db
def test_hourly_check_logs_a_component_that_is_down(
    checks: list[HealthCheck], caplog: pytest.LogCaptureFixture
) -> None:
    checks.append(HealthCheck("kettle", lambda _: HealthReport(DOWN)))
    assert check_health(now=NOW)["kettle"] == DOWN
    assert "component kettle is down" in caplog.text


# Metrics


@pytest.mark.django_db
def test_metrics_are_for_the_operator_in_prometheus_format() -> None:
    response = client_in(Role.OPERATOR).get(
        "/metrics", HTTP_ACCEPT="text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    )
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE sunusav_outgoing_open gauge\nsunusav_outgoing_open 1\n" in response.content.decode()
    assert client_in(Role.FINANCE).get("/metrics").status_code == 403
    assert APIClient().get("/metrics").status_code == 401


@pytest.mark.django_db
def test_metric_that_cannot_be_read_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(now: datetime) -> list[Sample]:
        raise ValueError

    good = Metric(
        "cups", 'Cups "full"\nor not.', lambda _: [Sample(2, {"kind": 'a"b', "at": "x"})], "counter"
    )
    monkeypatch.setattr(metrics, "METRICS", [Metric("broken", "", broken), good])
    text = metrics_text(now=NOW)
    assert "broken" not in text
    assert r"# HELP sunusav_cups Cups \"full\"\nor not." in text
    assert r'sunusav_cups{at="x",kind="a\"b"} 2' in text


# Documentation


@pytest.mark.django_db
def test_openapi_document_is_public_and_names_the_token() -> None:
    document = APIClient().get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert document["components"]["securitySchemes"]["token"]["name"] == "Authorization"
    pause = document["paths"]["/monetization/outgoing/pause"]["post"]
    assert pause["security"] == [{"token": []}]
    assert {"200", "400", "401", "403", "429"} <= set(pause["responses"])
    assert "application/problem+json" in pause["responses"]["400"]["content"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in pause["parameters"]]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_pages_load_nothing_from_other_hosts(path: str) -> None:
    response = APIClient().get(path)
    assert response.status_code == 200
    sources = re.findall(r'(?:src|href)="([^"]+)"', response.content.decode())
    assert sources
    assert [source for source in sources if source.startswith(("http", "//"))] == []


# Problems


def test_problem_page_explains_the_code() -> None:
    page = APIClient().get("/problems/proposal-already-open", HTTP_ACCEPT="text/html")
    text = page.content.decode()
    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert "A proposal for this is open already" in text
    assert "What to do:" in text
    assert "<pre><code>{" in text


def test_problem_index_lists_every_page() -> None:
    text = APIClient().get("/problems").content.decode()
    assert "/problems/internal-error" in text
    assert "/problems/outgoing-paused" in text


def test_problem_page_that_does_not_exist_is_not_found() -> None:
    assert APIClient().get("/problems/no-such-thing").status_code == 404


@pytest.mark.django_db
def test_components_include_those_of_every_app() -> None:
    assert set(components(now=clock.now())) >= {
        "database",
        "broker",
        "workers",
        "beat",
        "backlog",
        "outgoing",
    }
