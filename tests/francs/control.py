"""Steer the franc partner from a test, and read its record. Amounts: whole francs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.simulator.control import Control
from sandbox.simulator.script import Outcome, Reply, Step

Record = dict[str, Any]


class FrancControl(Control):
    """The test's side of a running partner.

    Its calls, for scripts: pay_out, find_payout, recipient, balance, statement, open_collection, find_collection,
    cancel_collection.
    """

    def top_up(self, amount: int) -> None:
        self.call("top_up", amount=amount)

    # Scripts

    def refuse_next(self, code: str, *, times: int = 1) -> int:
        return self.script("pay_out", Step(outcome=Outcome.REFUSE, code=code), times=times)

    def lose_answer_after_paying(self, *, hidden_seconds: float = 0) -> int:
        return self.script("pay_out", Step(reply=Reply.LOST, hidden_seconds=hidden_seconds))

    # What happens beside the API

    def complete(self, reference: str, *, code: str = "") -> Record:
        """Pay a payout that was accepted, or refuse it with a code."""
        return self._record(self.call("complete", reference=reference, code=code))

    def reverse(self, reference: str, *, returned: int | None = None) -> Record:
        """Give a paid payout back: its amount, or another sum."""
        return self._record(self.call("reverse", reference=reference, returned=returned))

    def pay_in(self, reference: str, amount: int, *, listed: int = 1, hidden_seconds: float = 0) -> Record:
        """Pay into a collection in any state; `listed`: how often the partner lists this one payment."""
        return self._record(
            self.call(
                "pay_in", reference=reference, amount=amount, listed=listed, hidden_seconds=hidden_seconds
            )
        )

    # The record

    def asked(self, reference: str) -> int:
        """Return the amount of a collection."""
        return int(self.call("asked", reference=reference))

    def balance(self) -> int:
        """Return what our account holds."""
        return int(self.call("account")["balance"])

    def record(self) -> Record:
        """Return every payout and every receipt, hidden or not."""
        return self._record(self.call("record"))

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

    def _record(self, found: Any) -> Record:
        assert isinstance(found, dict)
        return found
