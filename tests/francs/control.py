"""Steer the franc provider from a test, and read its record. Amounts: whole francs."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from typing import Any

import requests

from tests.francs.steps import Answer, Outcome

TIMEOUT_SECONDS = 10.0
PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.01
Record = dict[str, Any]


class ControlRefused(Exception):
    """The provider refused a call of the test."""


class Control:
    """The test's side of a running provider. It works while the provider is closed for its clients."""

    def __init__(self, url: str) -> None:
        self._url = url

    # Settings

    def reset(self) -> None:
        """Forget everything, settings and scripts included, once every call that arrived before has ended."""
        self._call("reset")

    def set(self, **changes: Any) -> None:
        """Change settings of the provider by their names in `tests.francs.store.DEFAULTS`."""
        self._call("settings", changes=changes)

    def set_clock(self, at: datetime | None) -> None:
        """Freeze the provider's clock at a moment; None: it shows the real time."""
        self.set(frozen_at=at.isoformat() if at else None)

    def top_up(self, amount: int) -> None:
        self._call("top_up", amount=amount)

    # Scripts: what the next calls do

    def script(self, call: str, *, reference: str = "", times: int = 1, **step: Any) -> int:
        """Script the next calls of a name as a `tests.francs.steps.Step`; -1 times: all. Return the script's number.

        Names: pay_out, find_payout, recipient, balance, statement, open_collection, find_collection, cancel_collection.
        """
        return int(self._call("step", call=call, reference=reference, times=times, step=step))

    def refuse_next(self, code: str) -> int:
        return self.script("pay_out", outcome=Outcome.REFUSE, code=code)

    def lose_answer_after_paying(self, *, hidden_seconds: float = 0) -> int:
        return self.script("pay_out", answer=Answer.LOST, hidden_seconds=hidden_seconds)

    def lose_answer_before_paying(self) -> int:
        return self.script("pay_out", outcome=Outcome.NOTHING, answer=Answer.LOST)

    def fail_next(self, *, is_paid: bool) -> int:
        """Answer the next payout with status 500, paid or not."""
        outcome = Outcome.DO if is_paid else Outcome.NOTHING
        return self.script("pay_out", outcome=outcome, answer=Answer.ERROR)

    def wait_until_reached(self, number: int) -> None:
        """Wait until a call stays where its script holds it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._call("is_reached", number=number):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no call came to script {number}")
            time.sleep(POLL_SECONDS)

    def release(self, number: int) -> None:
        self._call("release", number=number)

    # What happens beside the API

    def complete(self, reference: str, *, code: str = "") -> Record:
        """Pay a payout that was accepted, or refuse it with a code."""
        return self._record(self._call("complete", reference=reference, code=code))

    def reverse(self, reference: str, *, returned: int | None = None) -> Record:
        """Give a paid payout back: its amount, or another sum."""
        return self._record(self._call("reverse", reference=reference, returned=returned))

    def pay_in(self, reference: str, amount: int, *, listed: int = 1, hidden_seconds: float = 0) -> Record:
        """Pay into a collection in any state; `listed`: how often the provider lists this one payment."""
        return self._record(
            self._call(
                "pay_in", reference=reference, amount=amount, listed=listed, hidden_seconds=hidden_seconds
            )
        )

    # The record

    def record(self) -> Record:
        """Return every payout and every receipt, hidden or not."""
        return self._record(self._call("record"))

    def paid(self) -> list[Record]:
        """Return the payouts that left the account, those that were given back included."""
        return [row for row in self.record()["payouts"] if row["paid_at"]]

    def paid_by_phone(self) -> dict[str, int]:
        """Return what each phone received and keeps."""
        totals: Counter[str] = Counter()
        for row in self.paid():
            totals[row["phone"]] += row["amount"] - (row["reversal"] or {"amount": 0})["amount"]
        return dict(totals)

    def paid_twice(self) -> list[str]:
        """Return the references that were paid more than once."""
        return sorted(
            name for name, times in Counter(row["reference"] for row in self.paid()).items() if times > 1
        )

    def calls(self, call: str) -> int:
        """Return how often a call of this name arrived."""
        return int(self._call("calls", call=call))

    def _record(self, found: Any) -> Record:
        assert isinstance(found, dict)
        return found

    def _call(self, name: str, **body: Any) -> Any:
        answer = requests.post(f"{self._url}/control/{name}", json=body, timeout=TIMEOUT_SECONDS)
        if answer.status_code != requests.codes.ok:
            raise ControlRefused(f"{name}: {answer.text}")
        return answer.json()["result"]
