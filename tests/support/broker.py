"""Point Celery at another broker for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app


@contextmanager
def broker_at(url: str) -> Iterator[None]:
    """Have the application publish to and read from this address."""
    before = current_app.conf.broker_url
    _point_at(url)
    try:
        yield
    finally:
        _point_at(before)


def _point_at(url: str) -> None:
    for name in ("broker_url", "broker_write_url", "broker_read_url"):
        current_app.conf[name] = url
    current_app._after_fork()  # type: ignore[attr-defined]  # drops the pools, as a new process does
