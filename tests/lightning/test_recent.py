"""Answers and errors of the node that are used again for a short time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import NoReturn

import pytest

from lightning.client import NodeError, NodeRefused, NodeUnavailable
from lightning.recent import Recent

CALLS_AT_ONCE = 32


class Query:
    """Count the queries; fail while `error` is set."""

    def __init__(self) -> None:
        self.made = 0
        self.error: NodeError | None = None

    def __call__(self) -> int:
        self.made += 1
        if self.error is not None:
            raise self.error
        return self.made


@pytest.fixture
def query() -> Query:
    return Query()


def test_recent_answer_is_used_again_and_fresh_one_is_not(query: Query) -> None:
    recent: Recent[int] = Recent(60)
    assert [recent.get(query), recent.get(query), recent.fresh(query), recent.get(query)] == [1, 1, 2, 2]


def test_answer_that_is_not_kept_is_queried_each_time(query: Query) -> None:
    recent: Recent[int] = Recent(0)
    assert [recent.get(query), recent.get(query)] == [1, 2]


def test_recent_error_is_raised_again_without_a_query(query: Query) -> None:
    recent: Recent[int] = Recent(60)
    query.error = NodeRefused("no", method="/lnrpc.Lightning/GetInfo", code="UNKNOWN")
    raised = []
    for call in (lambda: recent.get(query), lambda: recent.get(query), recent.raise_recent_error):
        with pytest.raises(NodeRefused) as refused:
            call()
        raised.append(refused.value)
    assert query.made == 1
    assert [error.evidence for error in raised] == [query.error.evidence] * 3
    assert len({id(error) for error in raised}) == 3


def test_error_is_forgotten_sooner_than_an_answer(query: Query) -> None:
    """A node that is back must not be avoided for the time that an answer is kept."""
    recent: Recent[int] = Recent(0)
    query.error = NodeUnavailable("gone")
    with pytest.raises(NodeUnavailable):
        recent.get(query)
    query.error = None
    recent.raise_recent_error()
    assert recent.get(query) == 2


def test_calls_at_once_share_one_query_that_fails() -> None:
    """A batch must not wait for a dead node once per payment, one after the other."""
    recent: Recent[int] = Recent(60)
    started, made = Barrier(CALLS_AT_ONCE, timeout=30), []

    def gone() -> NoReturn:
        made.append(1)
        Event().wait(0.2)
        raise NodeUnavailable("gone")

    def call() -> type[Exception]:
        started.wait()
        with pytest.raises(NodeUnavailable) as unavailable:
            recent.get(gone)
        return type(unavailable.value)

    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        calls: list[Callable[[], object]] = [call] * CALLS_AT_ONCE
        assert list(pool.map(lambda one: one(), calls)) == [NodeUnavailable] * CALLS_AT_ONCE
    assert len(made) == 1
