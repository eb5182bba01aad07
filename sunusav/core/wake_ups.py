"""Wake-ups: a message starts work at once, the periodic task makes sure of it. A lost wake-up loses nothing."""

import logging
from time import monotonic

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from sunusav.core import subjects
from sunusav.core.app_modules import collect_mapping

logger = logging.getLogger(__name__)

# After a failed wake-up this process sends none for this long, so that requests do not each wait for a broker that is
# unavailable.
SILENT_SECONDS = 5.0
_silent_until = 0.0


def wake(task_name: str, *args: str, in_seconds: float = 0.0, task_id: str | None = None) -> None:
    """Send a task once the caller's transaction has committed. An unavailable broker is only logged.

    A worker starts it this many seconds after the commit: for work that is not due yet.
    """

    def send() -> None:  # a function with a name: Django logs it when it fails
        _send(task_name, args, in_seconds=in_seconds, task_id=task_id)

    transaction.on_commit(send, robust=True)


def wake_for(subject: str, *, fact: str = "") -> None:
    """Wake the task that reads facts about this kind of subject, or only this fact about it.

    Apps name such tasks in `WAKE_UPS` of their `schedule.py`, by `"<kind>"` or `"<kind> <fact>"`.
    """
    kind = subjects.kind_name(subject)
    task_name = collect_mapping("schedule", "WAKE_UPS").get(f"{kind} {fact}".rstrip())
    if task_name:
        wake(task_name, subjects.key_of(subject))


def retry_broker_now() -> None:
    """Let the next wake-up try the broker again, even if it was unavailable a moment ago."""
    _be_silent_until(0.0)


def _send(task_name: str, args: tuple[str, ...], *, in_seconds: float, task_id: str | None = None) -> None:
    if monotonic() < _silent_until:
        return
    try:
        # Without a result: Celery would wait for its result store first, 20 seconds when that is unavailable.
        current_app.send_task(
            task_name,
            args=args,
            countdown=in_seconds or None,
            retry=False,
            ignore_result=True,
            task_id=task_id,
        )
    except (OperationalError, OSError) as error:
        _be_silent_until(monotonic() + SILENT_SECONDS)
        logger.warning("%s was not woken; its periodic run will find the work: %s", task_name, error)


def _be_silent_until(moment: float) -> None:
    global _silent_until  # noqa: PLW0603  (one number per process; a lost write costs one more try)
    _silent_until = moment
