"""Rows that many tests begin with: made once, in a transaction that lasts while tests in a row share them.

Each test runs in a savepoint of that transaction and is rolled back to the shared rows.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from sunusav.core.transactions import lift_idle_limit

T = TypeVar("T")


class SharedRows(Generic[T]):
    """What `make` returned, and the transaction that holds the rows it made."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._open = ExitStack()
        self._made: T | None = None

    def get(self, blocker: DjangoDbBlocker) -> T:
        """Return what is shared; make it where no test before has, or the last one broke the transaction."""
        if self._made is not None and connection.needs_rollback:
            self.forget()
        if self._made is None:
            with ExitStack() as opening:
                opening.enter_context(blocker.unblock())
                opening.enter_context(_around_tests())
                lift_idle_limit()
                self._made = self._make()
                self._open = opening.pop_all()
        return self._made

    def forget(self) -> None:
        """Roll the shared rows back."""
        self._made = None
        self._open.close()


def _around_tests() -> ExitStack:
    """Return a transaction that ends in a rollback and in which the code of tests may begin its outermost ones."""
    stack = ExitStack()
    atomic = transaction.atomic()
    atomic._from_testcase = True  # type: ignore[attr-defined]  # as Django's TestCase marks its own
    stack.enter_context(atomic)
    stack.callback(transaction.set_rollback, True)
    return stack


def is_transactional(item: pytest.Item) -> bool:
    """Return whether a test commits, so that no transaction can be around it."""
    marker = item.get_closest_marker("django_db")
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(marker and marker.kwargs.get("transaction")) or bool(
        fixtures & {"transactional_db", "live_server"}
    )
