"""Doorbells: a rung task makes work quick, the periodic task makes it sure. Losing a ring loses nothing."""

import logging
from time import monotonic

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

# After a ring that nobody could take, this process does not try for a while: requests must not wait in turn for
# a broker that is away.
SILENT_SECONDS = 5.0
_silent_until = 0.0


def wake(task_name: str, *args: str) -> None:
    """Ring a task once the caller's transaction has committed. A broker that is away is only logged."""

    def send() -> None:  # a function with a name: Django names it when it fails
        _send(task_name, args)

    transaction.on_commit(send, robust=True)


def wake_for(subject: str, *, fact: str = "") -> None:
    """Ring the task of the room above that waits for facts about this kind of subject, or for this fact alone."""
    kind, _, identifier = subject.partition(":")
    task_name = settings.SUBJECT_WAKE_UPS.get(f"{kind} {fact}".rstrip())
    if task_name:
        wake(task_name, identifier)


def answer_again() -> None:
    """Try the broker at the next ring, however recently it was away."""
    _be_silent_until(0.0)


def _send(task_name: str, args: tuple[str, ...]) -> None:
    if monotonic() < _silent_until:
        return
    try:
        # Without a result: else Celery first waits for its result store, twenty seconds long when that is away.
        current_app.send_task(task_name, args=args, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        _be_silent_until(monotonic() + SILENT_SECONDS)
        logger.warning("doorbell %s not rung, the periodic task will find the work: %s", task_name, error)


def _be_silent_until(moment: float) -> None:
    global _silent_until  # noqa: PLW0603  (one word per process; a lost write costs one more try)
    _silent_until = moment
