"""A PIN that many threads use at once, and that was changed at Orange: the account must not be blocked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from partners.orange.errors import CredentialsRefused
from partners.orange.pins import PinGuard

CALLERS, TRIES = 16, 3


def refused_calls(guard: PinGuard) -> int:
    """Have many threads use a PIN that Orange refuses; return how many calls reached Orange."""
    sent, together = [], threading.Barrier(CALLERS)

    def call() -> None:
        together.wait(10)
        with guard.used():
            sent.append(threading.get_ident())
            threading.Event().wait(0.05)
            guard.refuse("2011")

    with ThreadPoolExecutor(CALLERS) as pool:
        refusals = [one.exception(30) for one in [pool.submit(call) for _ in range(CALLERS)]]
    assert all(isinstance(one, CredentialsRefused) for one in refusals if one is not None)
    return len(sent)


def test_pin_that_was_never_accepted_is_tried_once() -> None:
    assert refused_calls(PinGuard()) == 1


def test_pin_that_was_accepted_before_is_refused_fewer_times_than_block_the_account() -> None:
    guard = PinGuard()
    with guard.used():
        guard.accept()

    assert 1 <= refused_calls(guard) < TRIES
    with pytest.raises(CredentialsRefused), guard.used():
        pass
