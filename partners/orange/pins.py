"""A PIN that Orange refused is not tried again by this process: three wrong tries block the wallet.

Until Orange has accepted the PIN once, one call at a time uses it, and two afterwards: many threads would spend the
tries together when the PIN is changed at Orange. A new PIN, or a restart, is tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import BoundedSemaphore, Lock
from typing import Final

from partners.orange.errors import CredentialsRefused
from partners.wire import NotReached

# 2010: it must be changed; 2011 and 2012: wrong, two tries or one are left; 2013: wrong, the account is blocked.
REFUSALS: Final = ("2010", "2011", "2012", "2013")
WAIT_SECONDS: Final = 8.0
# One fewer than the tries that block the account.
MOST_AT_ONCE: Final = 2


class PinGuard:
    """One PIN of one account, as this process knows it."""

    def __init__(self) -> None:
        self._trying = Lock()
        self._using = BoundedSemaphore(MOST_AT_ONCE)
        self._is_accepted = False
        self._refusal = ""

    @contextmanager
    def used(self) -> Iterator[None]:
        """Use the PIN in one call, alone until it was accepted. Raises: CredentialsRefused, NotReached."""
        self._require_not_refused()
        turn = self._using if self._is_accepted else self._trying
        if not turn.acquire(timeout=WAIT_SECONDS):
            raise NotReached("other calls use the PIN")
        try:
            # One of those that came first may have been refused meanwhile.
            self._require_not_refused()
            yield
        finally:
            turn.release()

    def accept(self) -> None:
        """Record that Orange did what a call with the PIN asked for."""
        self._is_accepted = True

    def refuse(self, code: str) -> None:
        """Record that Orange refused the PIN: it is not used again."""
        self._is_accepted, self._refusal = False, code

    def _require_not_refused(self) -> None:
        if self._refusal:
            raise CredentialsRefused(f"the PIN was refused with {self._refusal}, and is not tried again")


_guards: dict[str, PinGuard] = {}


def guard_of(*, url: str, msisdn: str, pin: str) -> PinGuard:
    """Return what this process knows about a PIN, by its hash."""
    key = sha256(f"{url}\n{msisdn}\n{pin}".encode()).hexdigest()
    return _guards.setdefault(key, PinGuard())


def forget_guards() -> None:
    """Forget what is known about every PIN, as a restart does."""
    _guards.clear()
