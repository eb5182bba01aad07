"""Tokens that processes share: one fetch for all of them, encrypted in a real Redis, under a lease that ends alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings

from partners import tokens
from partners.tokens import IssuedToken, SharedToken
from partners.wire import NotReached

CALLERS = 16
VALUE = "token-4711"


class Issuer:
    """A partner that issues tokens, slowly enough that every caller waits for the first."""

    def __init__(self, *, seconds: int = 300, failures: int = 0) -> None:
        self.calls, self._seconds, self._failures = 0, seconds, failures
        self._lock = threading.Lock()
        self.may_answer = threading.Event()

    def __call__(self) -> IssuedToken:
        with self._lock:
            self.calls += 1
            call = self.calls
        self.may_answer.wait(10)
        if call <= self._failures:
            raise NotReached("closed")
        return IssuedToken(f"{VALUE}-{call}", self._seconds)


@pytest.fixture
def redis_cache(settings: Settings, redis_url: str) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_url}
    }
    cache.clear()


def shared(issuer: Issuer, credentials: str = "user:key") -> SharedToken:
    return SharedToken("test", credentials, issuer, early_seconds=30)


def at_once(token: SharedToken, issuer: Issuer) -> list[Any]:
    """Have many callers ask at once, and the issuer answer once all of them may have asked."""
    started = threading.Barrier(CALLERS + 1)

    def ask() -> str:
        started.wait(10)
        return token.get()

    with ThreadPoolExecutor(CALLERS) as pool:
        asked = [pool.submit(ask) for _ in range(CALLERS)]
        started.wait(10)
        threading.Event().wait(0.3)
        issuer.may_answer.set()
        return [one.result(30) for one in asked]


@pytest.mark.redis
def test_many_callers_at_once_lead_to_one_fetch(redis_cache: None) -> None:
    issuer = Issuer()

    assert at_once(shared(issuer), issuer) == [f"{VALUE}-1"] * CALLERS
    assert issuer.calls == 1


@pytest.mark.redis
def test_token_is_encrypted_in_the_cache_and_is_no_other_credentials_own(redis_cache: None) -> None:
    issuer = Issuer()
    issuer.may_answer.set()
    shared(issuer).get()

    stored = b"".join(bytes(value) for value in _values())
    assert VALUE.encode() not in stored
    assert shared(issuer, "user:new-key").get() == f"{VALUE}-2"


@pytest.mark.redis
def test_fetch_that_failed_leaves_the_lease_to_the_next(redis_cache: None) -> None:
    issuer = Issuer(failures=1)
    issuer.may_answer.set()

    with pytest.raises(NotReached):
        shared(issuer).get()
    assert shared(issuer).get() == f"{VALUE}-2"


@pytest.mark.redis
def test_holder_that_froze_loses_the_lease(redis_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LEASE_SECONDS", 1)
    frozen, issuer = Issuer(), Issuer()
    issuer.may_answer.set()
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(shared(frozen).get)
        while not frozen.calls:
            threading.Event().wait(0.01)

        assert shared(issuer).get() == f"{VALUE}-1"
        frozen.may_answer.set()
        assert late.result(30) == f"{VALUE}-1"
    assert (frozen.calls, issuer.calls) == (1, 1)


@pytest.mark.redis
def test_refused_token_is_forgotten_unless_another_replaced_it(redis_cache: None) -> None:
    issuer = Issuer()
    issuer.may_answer.set()
    token = shared(issuer)
    first = token.get()

    token.forget(first)
    second = token.get()
    token.forget(first)

    assert (second, token.get(), issuer.calls) == (f"{VALUE}-2", f"{VALUE}-2", 2)


def test_without_a_cache_each_caller_fetches_for_itself(settings: Settings) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    issuer = Issuer()
    issuer.may_answer.set()

    assert (shared(issuer).get(), shared(issuer).get()) == (f"{VALUE}-1", f"{VALUE}-2")


def _values() -> list[Any]:
    """Return what Redis holds, as bytes."""
    client = cache._cache.get_client(None)  # type: ignore[attr-defined]
    return [client.get(name) or b"" for name in client.keys("*")]
