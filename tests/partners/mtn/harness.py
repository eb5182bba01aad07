"""MTN MoMo for the contract suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from partners.mtn.collector import MtnCollector
from partners.mtn.rail import MtnRail
from sandbox.mtn.security import KEY, SUBSCRIPTIONS, USER
from sandbox.simulator.process import PartnerProcess
from sandbox.simulator.script import Outcome, Step
from tests.partners.harness import Harness, PaidOut, Traits
from tests.support.process import tied_to_us

REFUSALS = {"recipient": "PAYEE_NOT_ALLOWED_TO_RECEIVE", "float": "NOT_ENOUGH_FUNDS"}
WRONG_KEY = Step(outcome=Outcome.REFUSE, code="call:ACCESS DENIED DUE TO INVALID SUBSCRIPTION KEY")
# A call that is refused with 401 is made a second time with a new token.
CALLS_OF_A_REFUSED_SEND = 2


def environment_of(url: str) -> dict[str, str]:
    """Return the variables with which the plug-ins call a simulator."""
    return {
        "MTN_URL": url, "MTN_TARGET_ENVIRONMENT": "mtnivorycoast",
        "MTN_API_USER": USER, "MTN_API_KEY": KEY, "MTN_SUBSCRIPTION_KEY": SUBSCRIPTIONS["disbursement"],
        "MTN_COLLECTION_API_USER": USER, "MTN_COLLECTION_API_KEY": KEY,
        "MTN_COLLECTION_SUBSCRIPTION_KEY": SUBSCRIPTIONS["collection"],
    }  # fmt: skip


class MtnHarness(Harness):
    """`tests.partners.harness.Harness` of MTN. Amounts: whole francs."""

    name = "mtn"
    traits = Traits(
        pays_at_once=False, states_charges=False, is_cancellable=False, is_reversible=False,
        takes_second_payment=False, has_statement=False,
    )  # fmt: skip
    phone, other_phone = "+2250707000001", "+2250707000002"
    unknown_phone, foreign_phone = "+2250707000404", "+221771234567"
    paying_call, finding_call, opening_call = "transfer", "transfer_status", "requesttopay"

    def __init__(self, folder: Path) -> None:
        super().__init__(PartnerProcess("sandbox.mtn", folder, tied=tied_to_us))

    def reset(self, monkeypatch: pytest.MonkeyPatch, *, float_xof: int = 1_000_000) -> None:
        self.control.reset()
        cache.clear()  # tokens that the simulator has forgotten
        self.control.call("top_up", amount=float_xof)
        self.control.call("remove", phone=self.unknown_phone[1:])
        for variable, value in environment_of(self.process.url).items():
            monkeypatch.setenv(variable, value)

    def rail(self) -> MtnRail:
        return MtnRail()

    def collector(self) -> MtnCollector:
        return MtnCollector()

    def refuse_next(self, kind: str) -> None:
        if kind == "credentials":
            self.control.script("transfer", WRONG_KEY, times=CALLS_OF_A_REFUSED_SEND)
        else:
            self.control.script("transfer", Step(outcome=Outcome.REFUSE, code=REFUSALS[kind]))

    def complete(self, reference: str, *, is_paid: bool) -> None:
        self.control.call("complete", reference=reference, reason="" if is_paid else REFUSALS["recipient"])

    def paid(self) -> list[PaidOut]:
        rows = self.control.call("paid")
        return [PaidOut(row["reference"], f"+{row['phone']}", row["amount"]) for row in rows]

    def pay_in(self, reference: str, amount_xof: int | None = None, *, phone: str = "") -> None:
        changes: dict[str, Any] = {} if amount_xof is None else {"amount": amount_xof}
        self.control.call("pay_in", reference=reference, phone=phone.removeprefix("+"), **changes)

    def balance_xof(self) -> int:
        return int(self.control.call("balance"))
