"""Run calls at the same moment, each in a thread with its own connection to the database."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from sunusav.core.errors import DomainError


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run calls at once, each on its own connection; return results and refusals."""
    batched = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def run(place: int) -> None:
        connection.ensure_connection()
        batched.wait()
        try:
            answers[place] = calls[place]()
        except DomainError as refusal:
            answers[place] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
