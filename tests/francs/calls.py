"""The calls of the franc provider and of the tests that control it, by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.francs.provider import CallRefused, Provider
from tests.francs.steps import Answer, Outcome, Step
from tests.francs.store import Row

POLL_SECONDS = 0.01
# What a call does, given what it is about and its body or query.
Act = Callable[[Provider, str, Row, Step], Row]
# By method, first part of the path, and number of its parts.
CALLS: dict[tuple[str, str, int], tuple[str, Act]] = {
    ("POST", "payouts", 1): ("pay_out", lambda provider, _, body, step: provider.pay_out(**body, step=step)),
    ("GET", "payouts", 2): ("find_payout", lambda provider, reference, *_: provider.payouts(reference)),
    ("GET", "recipients", 2): ("recipient", lambda provider, phone, *_: provider.recipient(phone)),
    ("GET", "balance", 1): ("balance", lambda provider, *_: provider.balance()),
    ("GET", "statement", 1): (
        "statement",
        lambda provider, _, query, __: provider.statement(**{name: int(query[name]) for name in query}),
    ),
    ("POST", "collections", 1): (
        "open_collection",
        lambda provider, _, body, step: provider.open_collection(**body, step=step),
    ),
    ("GET", "collections", 2): (
        "find_collection",
        lambda provider, reference, *_: provider.collection(reference),
    ),
    ("POST", "collections", 3): (
        "cancel_collection",
        lambda provider, reference, *_: provider.cancel_collection(reference),
    ),
}


class ProviderCalls:
    """What the provider's clients call, each as it was scripted."""

    def __init__(self, provider: Provider) -> None:
        self._provider, self._store = provider, provider.store

    def perform(self, method: str, path: list[str], body: Row) -> tuple[Answer, Row]:
        """Make one call; return how it is answered, and with what. Raises: CallRefused."""
        key = (method, path[0], len(path))
        if key not in CALLS:
            raise CallRefused(404, "no_such_call")
        name, act = CALLS[key]
        reference = path[1] if len(path) > 1 else str(body.get("reference", ""))
        step = self._store.take_step(name, reference)
        self._pause(step, "before", step.delay_before_seconds)
        if self._store.setting("is_closed"):
            raise CallRefused(503, "closed")
        answer = {} if step.outcome == Outcome.NOTHING else act(self._provider, reference, body, step)
        self._pause(step, "after", step.delay_after_seconds)
        return Answer(step.answer), answer

    def _pause(self, step: Step, when: str, seconds: float) -> None:
        time.sleep(seconds)
        if step.hold == when:
            self._store.execute("UPDATE steps SET reached = 1 WHERE id = ?", step.number)
            while self._store.rows("SELECT id FROM steps WHERE id = ? AND released = 0", step.number):
                time.sleep(POLL_SECONDS)


class ControlCalls:
    """What tests call: settings, scripts, what people do beside the API, and the record."""

    def __init__(self, provider: Provider) -> None:
        self._store = provider.store
        self._acts: dict[str, Callable[..., Any]] = {
            "settings": self._store.change_settings,
            "step": self._store.add_step,
            "is_reached": self._is_reached,
            "release": self._release,
            "calls": self._count_calls,
            "reset": self._store.forget_everything,
            "top_up": provider.top_up,
            "complete": provider.complete,
            "reverse": provider.reverse,
            "pay_in": provider.pay_in,
            "record": provider.record,
        }

    def perform(self, name: str, body: Row) -> Any:
        """Do what a test asks for. Raises: CallRefused."""
        if name not in self._acts:
            raise CallRefused(404, "no_such_call")
        return self._acts[name](**body)

    def _is_reached(self, number: int) -> bool:
        return bool(self._store.rows("SELECT id FROM steps WHERE id = ? AND reached = 1", number))

    def _release(self, number: int) -> None:
        self._store.execute("UPDATE steps SET released = 1 WHERE id = ?", number)

    def _count_calls(self, call: str) -> int:
        return int(self._store.rows("SELECT COUNT(*) AS total FROM calls WHERE call = ?", call)[0]["total"])
