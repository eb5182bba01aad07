"""Limits count exactly, per scope and client; while the counter is unreachable they let requests pass."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from rest_framework.test import APIClient

from sunusav.api.throttling import forget_shares, seconds_to_wait
from sunusav.core.roles import Role
from tests.factories.users import client_of, make_user


@pytest.fixture(autouse=True)
def rates(settings: Any) -> Iterator[dict[str, str | None]]:
    cache.clear()
    forget_shares()
    rates: dict[str, str | None] = {
        "anonymous": "2/min", "client": "3/min", "many": "100/hour", "shared": "1000/hour", "off": None,
    }  # fmt: skip
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    yield rates
    cache.clear()
    forget_shares()


def test_request_above_the_rate_waits_for_the_next_window() -> None:
    assert [seconds_to_wait("anonymous", "a", at=90.0) for _ in range(3)] == [0, 0, 30]
    assert seconds_to_wait("anonymous", "b", at=90.0) == 0
    assert seconds_to_wait("anonymous", "a", at=120.0) == 0


def test_scope_without_rate_counts_nothing() -> None:
    assert {seconds_to_wait("off", "a", at=0.0) for _ in range(50)} == {0}
    assert seconds_to_wait("unknown", "a", at=0.0) == 0


def test_parallel_requests_pass_exactly_as_many_as_allowed() -> None:
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: seconds_to_wait("many", "a", at=10.0), range(400)))
    assert waits.count(0) == 100


def test_parallel_requests_that_share_increments_pass_exactly_as_many_as_allowed() -> None:
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: seconds_to_wait("shared", "a", at=10.0), range(1_500)))
    assert waits.count(0) == 1_000


def test_share_that_a_process_did_not_use_is_not_granted_again() -> None:
    assert seconds_to_wait("shared", "a", at=10.0) == 0
    forget_shares()  # as when that process ends: the nine requests it had left are lost

    waits = [seconds_to_wait("shared", "a", at=10.0) for _ in range(1_100)]

    assert waits.count(0) == 990
    assert seconds_to_wait("shared", "b", at=10.0) == 0
    assert seconds_to_wait("shared", "a", at=3_600.0) == 0


def test_unreachable_counter_lets_requests_pass() -> None:
    unreachable = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:1/0",
    }
    with override_settings(CACHES={"default": unreachable}):
        assert {seconds_to_wait("anonymous", "a", at=0.0) for _ in range(4)} == {0}


@pytest.mark.django_db
@pytest.mark.urls("tests.api.views")
class TestThroughTheApi:
    def test_anonymous_client_is_limited_by_address(self) -> None:
        statuses = [APIClient().get("/monetization/public").status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        refused = APIClient().get("/monetization/public")
        assert refused.json()["code"] == "too-many-requests"
        assert 1 <= int(refused["Retry-After"]) <= 60
        assert APIClient(REMOTE_ADDR="10.0.0.9").get("/monetization/public").status_code == 200

    def test_forwarded_address_counts_only_behind_our_own_proxies(self) -> None:
        clients = [APIClient(HTTP_X_FORWARDED_FOR=f"10.0.0.{number}") for number in range(3)]
        statuses = [client.get("/monetization/public").status_code for client in clients]
        assert statuses == [200, 200, 429]

    def test_client_with_token_has_a_rate_of_its_own(self) -> None:
        client = client_of(make_user(Role.AUDITOR))
        assert [client.get("/monetization/echo").status_code for _ in range(4)] == [200, 200, 200, 429]

    def test_guessing_tokens_is_limited(self) -> None:
        answers = [APIClient().get("/monetization/echo", HTTP_AUTHORIZATION="Token x") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]

    def test_health_is_never_limited(self) -> None:
        assert {APIClient().get("/health").status_code for _ in range(10)} == {200}
