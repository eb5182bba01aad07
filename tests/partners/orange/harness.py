"""Orange Money for tests: its simulator, the variables of its plug-ins, and the simulator's record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache

from partners.orange.client import forget_public_keys
from partners.orange.collector import OrangeCollector
from partners.orange.pins import forget_guards
from partners.orange.rail import OrangeRail
from sandbox.simulator.process import PartnerProcess
from sandbox.simulator.script import Step
from tests.partners.harness import Harness, PaidOut, Traits
from tests.support.process import tied_to_us

COUNTRY_CODE = "+221"
ENVIRONMENT = {
    "ORANGE_CLIENT_ID": "sunusav", "ORANGE_API_KEY": "orange-secret", "ORANGE_MSISDN": "781234567",
    "ORANGE_PIN": "4321", "ORANGE_MERCHANT_CODE": "123456", "ORANGE_MERCHANT_NAME": "SUNUSAV",
    "ORANGE_TIMEOUT_SECONDS": "3",
}  # fmt: skip
WRONG_PIN = Step(outcome="refuse", code="2011")
# What the partner refuses the next payout with, by the kind of refusal.
REFUSALS = {"recipient": "2025", "float": "2021", "credentials": "2011"}


class OrangeHarness(Harness):
    """Orange with a float of francs; `unknown_phone` has no account."""

    name = "orange"
    traits = Traits(
        is_idempotent=False, states_charges=False, is_listed_unpaid=False, is_cancellable=False,
        is_reversible=False,
    )  # fmt: skip
    phone = "+221771234567"
    other_phone = "+221772345678"
    unknown_phone = "+221770000000"
    foreign_phone = "+2250700000000"
    paying_call, finding_call, opening_call = "cash_in", "transactions", "qr_code"

    def __init__(self, folder: Path, *, tied: Callable[[list[str]], list[str]] = tied_to_us) -> None:
        super().__init__(PartnerProcess("sandbox.orange", folder, tied=tied))

    def reset(self, monkeypatch: pytest.MonkeyPatch, *, float_xof: int = 1_000_000) -> None:
        self.thaw()
        self.control.reset()
        self.control.call("top_up", amount=float_xof)
        for phone, name in ((self.phone, "Awa Diop"), (self.other_phone, "Moussa Ndiaye")):
            self.control.call("open_wallet", phone=phone, name=name)
        self.control.call("set_state", phone=self.unknown_phone, state="unknown")
        for variable, value in {**ENVIRONMENT, "ORANGE_URL": self.process.url}.items():
            monkeypatch.setenv(variable, value)
        forget_what_the_process_knows()

    def rail(self) -> OrangeRail:
        return OrangeRail()

    def collector(self) -> OrangeCollector:
        return OrangeCollector()

    def refuse_next(self, kind: str) -> None:
        self.script_payout(Step(outcome="refuse", code=REFUSALS[kind]))

    def complete(self, reference: str, *, is_paid: bool) -> None:
        self.control.call("complete", reference=reference, is_paid=is_paid)

    def paid(self) -> list[PaidOut]:
        rows = self.control.call("paid_out")
        return [PaidOut(row["reference"], f"{COUNTRY_CODE}{row['phone']}", row["amount"]) for row in rows]

    def pay_in(self, reference: str, amount_xof: int | None = None, *, phone: str = "") -> None:
        payer = (phone or self.phone).removeprefix(COUNTRY_CODE)
        self.control.call("pay_in", reference=reference, amount=amount_xof, phone=payer)

    def balance_xof(self) -> int:
        return int(self.control.call("balance", phone="ours"))


def forget_what_the_process_knows() -> None:
    """Forget tokens, keys and PINs, as a restart of process and cache does."""
    cache.clear()
    forget_public_keys()
    forget_guards()
