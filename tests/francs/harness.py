"""The franc partner for the contract suite: as it is, without its fence, and without its idempotency."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.francs.collector import FrancCollector
from tests.francs.control import FrancControl
from tests.francs.process import FrancProcess
from tests.francs.provider import API_KEY, KEY_REVOKED
from tests.francs.rail import FrancRail, RepeatingFrancRail, UnfencedFrancRail
from tests.partners.harness import Harness, PaidOut, Traits

REFUSALS = {"recipient": "no_such_wallet", "float": "insufficient_float", "credentials": KEY_REVOKED}


class FrancHarness(Harness):
    """`tests.partners.harness.Harness` of the invented partner. Amounts: whole francs."""

    name = "franc"
    traits = Traits(takes_other_amounts=True)
    phone, other_phone = "+221771234567", "+221770000001"
    unknown_phone, foreign_phone = "+221770000404", "+2250708090102"
    process: FrancProcess
    rail_class: type[FrancRail] = FrancRail
    is_fenced = is_idempotent = True
    paying_call, finding_call, opening_call = "pay_out", "find_payout", "open_collection"

    def __init__(self, folder: Path) -> None:
        super().__init__(FrancProcess(folder))

    @property
    def control(self) -> FrancControl:
        return self.process.control

    def reset(self, monkeypatch: pytest.MonkeyPatch, *, float_xof: int = 1_000_000) -> None:
        control = self.control
        control.reset()
        control.set(
            missing_wallets=[self.unknown_phone], is_fenced=self.is_fenced, is_idempotent=self.is_idempotent
        )
        control.top_up(float_xof)
        monkeypatch.setenv("FRANC_URL", self.process.url)
        monkeypatch.setenv("FRANC_API_KEY", API_KEY)

    def rail(self) -> FrancRail:
        return self.rail_class()

    def collector(self) -> FrancCollector:
        return FrancCollector()

    def refuse_next(self, kind: str) -> None:
        self.control.refuse_next(REFUSALS[kind])

    def complete(self, reference: str, *, is_paid: bool) -> None:
        self.control.complete(reference, code="" if is_paid else "no_such_wallet")

    def reverse(self, reference: str) -> None:
        self.control.reverse(reference)

    def paid(self) -> list[PaidOut]:
        rows = self.control.paid()
        return [PaidOut(row["reference"], row["phone"], row["amount"]) for row in rows]

    def pay_in(self, reference: str, amount_xof: int | None = None, *, phone: str = "") -> None:
        control = self.control
        asked = control.asked(reference) if amount_xof is None else amount_xof
        control.pay_in(reference, asked)

    def balance_xof(self) -> int:
        return self.control.balance()


class UnfencedFrancHarness(FrancHarness):
    """It pays however late a call arrives."""

    rail_class = UnfencedFrancRail
    is_fenced = False


class RepeatingFrancHarness(FrancHarness):
    """It pays one reference as often as it is asked to."""

    traits = Traits(takes_other_amounts=True, is_idempotent=False)
    rail_class = RepeatingFrancRail
    is_fenced = is_idempotent = False
