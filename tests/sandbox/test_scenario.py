"""The demo's scenario after a run that was stopped while members paid."""

import json
from typing import Any

import pytest

from sandbox.lnd.control import ControlError
from sandbox.platform import CallRefused, Facts, Platform
from sandbox.scenario import DEMO_CYCLE, Scenario

MEMBERS = [f"user-{number}" for number in range(10)]


RECEIPT = "the winner's receipt PAY-2026-000001: http://demo.example/receipts/token"


class StoppedDemo(Platform):
    """The API of a demo whose first run paid three of ten invoices.

    The first is booked, the second was booked after the list was read, the third is not booked yet.
    """

    def __init__(self) -> None:
        super().__init__("http://demo.example", "token")
        self.listed = {user_id: user_id == "user-0" for user_id in MEMBERS}
        self.booked = {"user-0", "user-1"}
        self.status = "collecting"

    def _call(self, method: str, path: str, body: Facts | None = None) -> Facts:
        match method, path.rpartition("/")[2]:
            case "POST", "contributions":
                return self._request(str((body or {})["user_id"]))
            case "GET", "contributions":
                rows = self.listed.items()
                return {
                    "results": [
                        {"user_id": one, "status": "settled" if is_in else "open"} for one, is_in in rows
                    ]
                }
            case "POST", "process":
                self.status = "paid"
                return {"payout_id": 1, "status": "completed"}
            case "POST", "receipts":
                return {"number": "PAY-2026-000001", "url": "http://demo.example/receipts/token"}
            case "GET", "payouts?cycle_id=demo-cycle":
                return {"results": [{"id": 1}]}
            case _:
                return {"status": self.status, "expected_net_sats": 99_500}

    def _request(self, user_id: str) -> Facts:
        if user_id in self.booked:
            raise CallRefused("POST", 409, json.dumps({"code": "contribution-settled"}))
        return {"payment_request": user_id, "amount_sats": 10_000}


class Wallets:
    """Wallets that paid the third invoice before the demo was stopped. What they pay now is booked at once."""

    def __init__(self, platform: StoppedDemo, *, refusal: str = "invoice is already paid") -> None:
        self._platform, self._refusal = platform, refusal
        self.paid: list[str] = []

    def invoice(self, node: str, amount_msat: int, *, memo: str = "", expiry: int = 0) -> Any:
        return {"payment_request": "winner"}

    def pay(self, node: str, payment_request: str) -> Any:
        if payment_request == "user-2":
            raise ControlError(self._refusal)
        self.paid.append(payment_request)
        if payment_request == MEMBERS[-1]:
            self._platform.status = "ready"


def test_run_after_a_stop_while_members_pay_pays_only_those_who_had_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    platform, steps = StoppedDemo(), list[str]()
    wallets = Wallets(platform)

    Scenario(platform, wallets, print_step=steps.append).run(prepares_example=False)

    assert wallets.paid == MEMBERS[3:]
    assert steps[:3] == [
        f"{DEMO_CYCLE}: user-1 had paid before (1/9)",
        f"{DEMO_CYCLE}: user-2 had paid before (2/9)",
        f"{DEMO_CYCLE}: user-3 pays 10000 sats (3/9)",
    ]
    assert (platform.status, steps[-1]) == ("paid", RECEIPT)


def test_run_ends_when_a_wallet_cannot_pay() -> None:
    platform = StoppedDemo()

    with pytest.raises(ControlError, match="no route"):
        Scenario(platform, Wallets(platform, refusal="no route"), print_step=print).run(
            prepares_example=False
        )

    assert platform.status == "collecting"


def test_run_after_a_stop_while_the_winner_is_paid_orders_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Ordered(StoppedDemo):
        reads = 0

        def _call(self, method: str, path: str, body: Facts | None = None) -> Facts:
            answer = super()._call(method, path, body)
            self.reads += 1
            self.status = "paying" if self.reads < 2 else "paid"
            return answer

    platform, steps = Ordered(), list[str]()
    platform.status = "paying"

    Scenario(platform, Wallets(platform), print_step=steps.append).run(prepares_example=False)

    assert steps == [f"{DEMO_CYCLE} was ordered before", RECEIPT]
