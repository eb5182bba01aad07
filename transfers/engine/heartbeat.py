"""Keeps a lease alive while its worker lives: a killed worker's lease simply runs out."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

from sunusav.core.clock import Clock
from transfers.engine.claims import Claim, renew

BEAT_SECONDS = 5.0

logger = logging.getLogger(__name__)


@contextmanager
def kept_alive(claim: Claim, *, clock: Clock) -> Iterator[None]:
    """Renew the claim's lease every few seconds until the block ends."""
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(claim, clock, done), daemon=True, name="lease-heartbeat")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat(claim: Claim, clock: Clock, done: threading.Event) -> None:
    try:
        while not done.wait(BEAT_SECONDS):
            renew([claim], now=clock())
    except DatabaseError:
        # The lease runs out and another worker asks the outside: slower, never wrong.
        logger.warning("lease of disbursement %s could not be renewed", claim.disbursement_id, exc_info=True)
    finally:
        connection.close()
