"""Access tokens, shared by all processes in the cache: one of them fetches a token, the others wait for it.

A lease that ends by itself replaces a lock: its holder may die or freeze. The cache keeps tokens encrypted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from django.core.cache import cache
from redis.exceptions import RedisError

from partners.wire import NotReached
from sunusav.core.privacy import open_sealed, seal_bytes

# Longer than a partner may take to issue one (MTN: up to 20 s).
LEASE_SECONDS = 45
POLL_SECONDS = 0.1
CACHE_ERRORS = (RedisError, OSError)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class IssuedToken:
    """A token as a partner issued it, and for how long."""

    value: str = field(repr=False)
    lasts_seconds: int


@dataclass(frozen=True)
class SharedToken:
    """The token of one set of credentials, which `credentials` names so that others never get it.

    It is fetched anew `early_seconds` before it ends, or after half its life, if that is later.
    """

    name: str
    credentials: str = field(repr=False)
    fetch: Callable[[], IssuedToken]
    early_seconds: int

    def get(self) -> str:
        """Return the token. Raises: as `issued`."""
        return self.issued().value

    def issued(self) -> IssuedToken:
        """Return the token as it was issued; fetch it, or wait for the process that does.

        Raises: what `fetch` raises, NotReached.
        """
        ends = monotonic() + LEASE_SECONDS
        owner = str(uuid4())
        while (token := self._stored()) is None:
            if self._is_leased_to(owner):
                return self._fetched(owner)
            if monotonic() > ends:
                raise NotReached("no token: another process did not get one either")
            sleep(POLL_SECONDS)
        return token

    def forget(self, refused: str) -> None:
        """Forget a token that the partner refused, unless another has replaced it."""
        stored = self._stored()
        if stored is not None and stored.value == refused:
            _tried(lambda: cache.delete(self._key))

    @property
    def _key(self) -> str:
        return f"partner-token:{self.name}:{sha256(self.credentials.encode()).hexdigest()[:16]}"

    def _stored(self) -> IssuedToken | None:
        sealed = _tried(lambda: cache.get(self._key))
        if sealed is None:
            return None
        try:
            value, lasts_seconds = json.loads(open_sealed(sealed, bound_to=self._key))
        except (InvalidTag, ValueError):
            return None  # it was sealed under another key
        return IssuedToken(value, lasts_seconds)

    def _is_leased_to(self, owner: str) -> bool:
        """Take the lease if it is free; without a cache each process fetches for itself."""
        return bool(
            _tried(lambda: cache.add(f"{self._key}:lease", owner, timeout=LEASE_SECONDS), otherwise=True)
        )

    def _fetched(self, owner: str) -> IssuedToken:
        """Fetch a token under the lease, unless its last holder stored one just before."""
        try:
            if (stored := self._stored()) is not None:
                return stored
            issued = self.fetch()
            kept_seconds = max(issued.lasts_seconds - self.early_seconds, issued.lasts_seconds // 2)
            if kept_seconds > 0:
                facts = json.dumps([issued.value, issued.lasts_seconds])
                sealed = seal_bytes(facts.encode(), bound_to=self._key)
                _tried(lambda: cache.set(self._key, sealed, timeout=kept_seconds))
            return issued
        finally:
            if _tried(lambda: cache.get(f"{self._key}:lease")) == owner:
                _tried(lambda: cache.delete(f"{self._key}:lease"))


def _tried(act: Callable[[], Any], otherwise: Any = None) -> Any:
    """Use the cache, or return `otherwise` while it is unavailable."""
    try:
        return act()
    except CACHE_ERRORS as error:
        logger.warning("the cache of tokens is unavailable: %s", type(error).__name__)
        return otherwise
