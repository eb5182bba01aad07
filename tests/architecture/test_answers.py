"""Every endpoint is called with success, and its answer compared with /openapi.json, field by field."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from fees.api.serializers import QuoteAnswer
from fees.queries import forget_schedules
from sunusav.api.authentication import forget_tokens
from tests.architecture.access_table import ACCESS
from tests.architecture.answer_examples import EXAMPLES, World
from tests.architecture.openapi import (
    DESCRIBED,
    PAGES,
    assert_described,
    assert_fits,
    success_statuses,
)
from tests.fakes.rail import ScriptedRail
from transfers.collectors import collector
from transfers.rails import rail

pytestmark = pytest.mark.django_db
# A worker has to pay during the request: tests/payouts/test_api_payouts.py compares that answer.
COMPARED_ELSEWHERE = {("POST", "monetization/payouts/process"): {200}}
HTML = "text/html; charset=utf-8"


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    settings.PARTNERS = ["wave"]
    settings.RAILS = {
        "lightning": "tests.fakes.rail.ScriptedRail", "wave": "tests.fakes.franc_rail.ScriptedWaveRail",
    }  # fmt: skip
    settings.COLLECTORS = {"lightning": "tests.fakes.collector.ScriptedCollector"}
    _forget_cached()
    node = rail("lightning")
    assert isinstance(node, ScriptedRail)
    yield World(node)
    _forget_cached()


def _forget_cached() -> None:
    for forget in (rail.cache_clear, collector.cache_clear, forget_tokens, forget_schedules):
        forget()


def test_every_endpoint_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted((method, route) for route in DESCRIBED for method in ACCESS[route])


@pytest.mark.parametrize(("method", "route"), sorted(EXAMPLES))
def test_answer_is_what_the_document_describes(world: World, method: str, route: str) -> None:
    statuses = set()
    for response in EXAMPLES[method, route](world):
        called = response.request["REQUEST_METHOD"], response.wsgi_request.resolver_match.route
        assert called == (method, route)
        assert_described(response)
        statuses.add(response.status_code)
    assert statuses == success_statuses(method, route) - COMPARED_ELSEWHERE.get((method, route), set())


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("openapi.json", "application/json"),
        ("docs", HTML),
        ("redoc", HTML),
        ("problems", HTML),
        ("problems/not-found", HTML),
    ],
)
def test_page_is_answered(path: str, content_type: str) -> None:
    response: Any = APIClient().get(f"/{path}")
    assert (response.status_code, response.headers["Content-Type"]) == (200, content_type)
    assert response.wsgi_request.resolver_match.route in PAGES


QUOTE = {
    "sats_fee": 1, "platform_share": 0, "community_share": 0, "partner_reserved": 1, "net_payout": 0,
    "fee_percentage": "0.01", "schedule_version": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "without"),
    [
        ({"tip": 1}, ""),
        ({}, "sats_fee"),
        ({"sats_fee": None}, ""),
        ({"sats_fee": "1"}, ""),
        ({"sats_fee": True}, ""),
        ({"fee_percentage": "1e-2"}, ""),
    ],
    ids=["extra", "missing", "null", "text", "boolean", "format"],
)
def test_answer_that_differs_from_the_document_is_found(change: dict[str, Any], without: str) -> None:
    schema = {"$ref": f"#/components/schemas/{QuoteAnswer.__name__}"}
    assert_fits(QUOTE, schema)
    body = {name: value for name, value in {**QUOTE, **change}.items() if name != without}
    with pytest.raises(AssertionError):
        assert_fits(body, schema)
