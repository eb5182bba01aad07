"""Point Celery at another broker for the length of a block, or collect what is published."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import current_app
from celery.signals import after_task_publish

Published = list[tuple[str, list[str]]]


@contextmanager
def broker_at(url: str) -> Iterator[None]:
    """Have the application publish to and read from this address."""
    before = current_app.conf.broker_url
    _point_at(url)
    try:
        yield
    finally:
        _point_at(before)


@contextmanager
def published() -> Iterator[Published]:
    """Collect the tasks that are published to Celery's in-memory broker, each with its arguments."""
    messages: Published = []

    def receive(sender: str = "", body: Any = None, **more: Any) -> None:
        messages.append((sender, list(body[0])))

    after_task_publish.connect(receive)
    try:
        with broker_at("memory://"):
            yield messages
    finally:
        after_task_publish.disconnect(receive)


def _point_at(url: str) -> None:
    for name in ("broker_url", "broker_write_url", "broker_read_url"):
        current_app.conf[name] = url
    current_app._after_fork()  # type: ignore[attr-defined]  # drops the pools, as a new process does
