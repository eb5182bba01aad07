"""Transactions that others wait for: which may be idle, and which are tried again after a lock conflict."""

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection

# MySQL and MariaDB: "Deadlock found when trying to get lock", "Lock wait timeout exceeded".
LOCK_CONFLICTS = frozenset({1205, 1213})
TRIES = 5
FIRST_PAUSE_SECONDS = 0.05

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)


def retried_on_deadlock(function: Callable[P, R]) -> Callable[P, R]:
    """Call a function again, up to TRIES times, when the database ended its transaction to resolve a lock conflict.

    For a function that runs one whole transaction and changes nothing else, so that a second call starts from the
    same state. Inside a caller's transaction it is called once: the caller's earlier statements are rolled back too.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for earlier in range(TRIES - 1):
            try:
                return function(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not is_lock_conflict(error):
                    raise
                logger.info("%s is tried again after a lock conflict: %s", function.__qualname__, error)
            time.sleep(_pause_seconds(earlier))
        return function(*args, **kwargs)

    return run


def is_lock_conflict(error: OperationalError) -> bool:
    """Return whether the same transaction may succeed at another moment."""
    return bool(error.args) and error.args[0] in LOCK_CONFLICTS


def lift_idle_limit() -> None:
    """Let the current transaction be idle for as long as the server's own setting allows: for one without locks."""
    if connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION wait_timeout = DEFAULT")


def _pause_seconds(earlier: int) -> float:
    """Return a random pause, so that the transactions in conflict do not meet again; longer after each try."""
    jitter: float = random.uniform(0.5, 1.5)  # noqa: S311  (not a secret)
    return FIRST_PAUSE_SECONDS * float(2**earlier) * jitter
