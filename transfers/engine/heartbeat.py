"""Renews the leases of claimed disbursements while their worker runs; those of a killed worker run out."""

import logging
import threading
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

from sunusav.core.clock import Clock
from transfers.engine.claims import Claim, renew

BEAT_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Heartbeat:
    """Renews the leases of all claims added to it, every few seconds, in a thread of its own."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._claims: set[Claim] = set()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_done, daemon=True, name="lease-heartbeat")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def add(self, claim: Claim) -> None:
        with self._lock:
            self._claims.add(claim)

    def remove(self, claim: Claim) -> None:
        with self._lock:
            self._claims.discard(claim)

    def beat(self) -> None:
        """Renew all leases once."""
        with self._lock:
            claims = list(self._claims)
        renew(claims, now=self._clock())

    def _beat_until_done(self) -> None:
        try:
            while not self._done.wait(BEAT_SECONDS):
                self._beat_or_warn()
        finally:
            connection.close()

    def _beat_or_warn(self) -> None:
        try:
            self.beat()
        except DatabaseError:
            # If leases run out, another worker queries the provider: slower, never wrong. The next beat reconnects.
            logger.warning("leases could not be renewed", exc_info=True)
            connection.close()
