"""Wave for the contract suite: its plug-ins against its simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from partners.wave.collector import WaveCollector
from partners.wave.rail import WaveRail
from sandbox.simulator.process import PartnerProcess
from sandbox.simulator.script import Outcome, Step
from tests.partners.harness import Harness, PaidOut, Traits
from tests.support.process import tied_to_us

PAYING_KEY, COLLECTING_KEY = "wave_sn_prod_pays", "wave_sn_prod_collects"
REFUSALS = {
    "recipient": "recipient-account-blocked",
    "float": "insufficient-funds",
    "credentials": "api-key-revoked",
}
# Money that left our wallet, although some of it came back.
LEFT = ("succeeded", "reversed")


class WaveHarness(Harness):
    """The simulated Wave in a process of its own."""

    name = "wave"
    traits = Traits(pays_at_once=True, is_idempotent=True, states_charges=True, is_listed_unpaid=True)
    phone = "+221771234567"
    other_phone = "+221781112233"
    unknown_phone = "+221770000404"
    foreign_phone = "+2250707070707"
    paying_call, finding_call, opening_call = "payout", "search", "open"

    def __init__(self, folder: Path) -> None:
        super().__init__(PartnerProcess("sandbox.wave", folder, tied=tied_to_us))

    def reset(self, monkeypatch: pytest.MonkeyPatch, *, float_xof: int = 1_000_000) -> None:
        self.process.thaw()
        self.control.reset()
        self.control.call("top_up", amount=float_xof)
        self.control.call("open_wallet", phone=self.phone, name="Awa Ndiaye")
        self.control.call("open_wallet", phone=self.other_phone, name="Moussa Diop")
        self.control.call("open_wallet", phone=self.unknown_phone, state="recipient-account-inactive")
        for name, value in self.environment().items():
            monkeypatch.setenv(name, value)
        for name in ("WAVE_SIGNING_SECRET", "WAVE_CHECKOUT_SIGNING_SECRET", "WAVE_WALLET", "WAVE_NAME_CHECK"):
            monkeypatch.delenv(name, raising=False)

    def environment(self) -> dict[str, str]:
        """Return the variables by which the plug-ins call this simulator."""
        return {
            "WAVE_URL": self.url, "WAVE_API_KEY": PAYING_KEY, "WAVE_CHECKOUT_API_KEY": COLLECTING_KEY,
            "WAVE_COUNTRY": "SN", "WAVE_TIMEOUT_SECONDS": "1",
            "WAVE_STATEMENT_FROM": str(self.control.call("now"))[:10],
        }  # fmt: skip

    def rail(self) -> WaveRail:
        return WaveRail()

    def collector(self) -> WaveCollector:
        return WaveCollector()

    def refuse_next(self, kind: str) -> None:
        self.script_payout(Step(outcome=Outcome.REFUSE, code=REFUSALS[kind]))

    def complete(self, reference: str, *, is_paid: bool) -> None:
        self.control.call("complete", reference=reference, is_paid=is_paid)

    def reverse(self, reference: str) -> None:
        self.control.call("reverse", reference=reference)

    def paid(self) -> list[PaidOut]:
        return [
            PaidOut(row["reference"], row["mobile"], row["amount"])
            for row in self.payouts()
            if row["status"] in LEFT
        ]

    def payouts(self) -> list[dict[str, Any]]:
        """Return every payout of the simulator's record, refused ones too."""
        rows: list[dict[str, Any]] = self.control.call("payouts")
        return rows

    def pay_in(self, reference: str, amount_xof: int | None = None, *, phone: str = "") -> None:
        self.control.call("pay_session", reference=reference, amount=amount_xof, phone=phone)

    def balance_xof(self) -> int:
        return int(self.control.call("balance"))
