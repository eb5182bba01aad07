"""The demo's scenario: members pay, the cycle becomes ready, the winner is paid, the receipt is printed.

Every step uses the public API with a platform token; only the wallets of members and winner are simulated.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from sandbox.lnd.control import ControlError
from sandbox.lnd.duplicates import PAID_TEXTS
from sandbox.members import MEMBERS
from sandbox.platform import CallRefused, Facts, Platform

WALLETS = "wallets"
DEMO_CYCLE = "demo-cycle"
EXAMPLE_CYCLE = "cycle-123"
# Its winner has no invoice and scans a code.
CLAIMED_CYCLE = "cycle-124"
# Its winner chose a phone; two of its members pay by phone, too.
WAVE_CYCLE = "demo-wave-cycle"
PHONES = {member.user_id: member.phone for member in MEMBERS}
WAVE_WINNER_PHONE = PHONES["user-1"]
WAVE_PAYERS = {user_id: PHONES[user_id] for user_id in ("user-2", "user-3")}
INVOICE_SECONDS = 30 * 24 * 60 * 60
TIMEOUT_SECONDS = 60.0
MSAT_PER_SAT = 1_000


class ScenarioFailed(Exception):
    """The scenario could not be completed; the message is the reason."""


class Wallets(Protocol):
    """The wallets of members and winners, on a simulated or a real node."""

    def invoice(self, node: str, amount_msat: int, *, memo: str = "", expiry: int = 0) -> Any: ...

    def pay(self, node: str, payment_request: str) -> Any: ...


class Phones(Protocol):
    """The phones of members at a simulated partner."""

    def pay(self, checkout_url: str, phone: str) -> None:
        """Pay what a checkout page asks for."""
        ...


class Scenario:
    """Act as platform, members and winners."""

    def __init__(
        self,
        platform: Platform,
        wallets: Wallets,
        phones: Phones | None = None,
        *,
        print_step: Callable[[str], None],
    ) -> None:
        self._platform = platform
        self._wallets = wallets
        self._phones = phones
        self._print_step = print_step

    def run(self, *, prepares_example: bool) -> None:
        """Collect and pay a cycle once by Lightning, one by Wave where there are phones, and print their receipts.

        Optionally make the examples' cycles ready.
        """
        for cycle_id in [DEMO_CYCLE, *([WAVE_CYCLE] if self._phones else [])]:
            self._collect(cycle_id)
            self._pay_winner_once(cycle_id)
            self._print_receipt(cycle_id)
        if prepares_example:
            self._prepare_examples()

    def _prepare_examples(self) -> None:
        self._collect(EXAMPLE_CYCLE)
        self._collect(CLAIMED_CYCLE)
        if self._cycle(EXAMPLE_CYCLE)["status"] == "ready":
            self._give_winner_invoice(EXAMPLE_CYCLE)
            self._print_step(f"{EXAMPLE_CYCLE} and {CLAIMED_CYCLE} are ready for the examples of the README")

    def _collect(self, cycle_id: str) -> None:
        if self._cycle(cycle_id)["status"] != "collecting":
            return
        waiting = [row for row in self._contributions(cycle_id) if row["status"] != "settled"]
        for count, row in enumerate(waiting, start=1):
            step = self._contribute(cycle_id, row["user_id"])
            self._print_step(f"{cycle_id}: {row['user_id']} {step} ({count}/{len(waiting)})")
        self._await(cycle_id, {"ready"})

    def _contribute(self, cycle_id: str, user_id: str) -> str:
        """Pay a member's contribution and return what happened.

        A run that was stopped may have paid it: the listener books such a payment while this run goes on.
        """
        phone = WAVE_PAYERS.get(user_id, "") if cycle_id == WAVE_CYCLE else ""
        request = {"method": "wave", "phone": phone} if phone else {"method": "lightning"}
        try:
            collection = self._platform.post(
                f"/cycles/{cycle_id}/contributions", {"user_id": user_id, **request}
            )
        except CallRefused as refusal:
            if refusal.code != "contribution-settled":
                raise
            return "had paid before"
        if phone and self._phones is not None:
            self._phones.pay(collection["checkout_url"], phone)
            return f"pays {collection['amount_sats']} sats by Wave"
        try:
            self._wallets.pay(WALLETS, collection["payment_request"])
        except ControlError as refusal:
            if not any(text in str(refusal) for text in PAID_TEXTS):
                raise
            return "had paid before"
        return f"pays {collection['amount_sats']} sats"

    def _pay_winner_once(self, cycle_id: str) -> None:
        match self._cycle(cycle_id)["status"]:
            case "ready":
                self._pay_winner(cycle_id)
            case "paying":
                self._print_step(f"{cycle_id} was ordered before")
                self._await(cycle_id, {"paid"})
            case _:
                self._print_step(f"{cycle_id} was paid before; this is its stored receipt")

    def _pay_winner(self, cycle_id: str) -> None:
        if cycle_id == WAVE_CYCLE:
            destination = {"rail": "wave", "kind": "phone", "value": WAVE_WINNER_PHONE}
            self._platform.put(f"/cycles/{cycle_id}/destination", destination)
        else:
            self._give_winner_invoice(cycle_id)
        claims = {"cycle_id": cycle_id, "group_verified": True, "user_recurring": False}
        answer = self._platform.post("/payouts/process", claims)
        self._print_step(f"{cycle_id}: payout {answer['payout_id']} ordered, {answer['status']}")
        self._await(cycle_id, {"paid"})

    def _give_winner_invoice(self, cycle_id: str) -> None:
        net_sats = self._cycle(cycle_id)["expected_net_sats"]
        invoice = self._wallets.invoice(
            WALLETS, net_sats * MSAT_PER_SAT, memo=f"tontine {cycle_id}", expiry=INVOICE_SECONDS
        )
        destination = {"rail": "lightning", "kind": "bolt11", "value": invoice["payment_request"]}
        self._platform.put(f"/cycles/{cycle_id}/destination", destination)

    def _print_receipt(self, cycle_id: str) -> None:
        payout = self._platform.get(f"/payouts?cycle_id={cycle_id}")["results"][0]
        receipt = self._platform.get(f"/payouts/{payout['id']}/receipt")
        print(json.dumps(receipt, indent=2, ensure_ascii=False), flush=True)
        issued = self._platform.post("/receipts", {"kind": "payout", "id": payout["id"]})
        self._print_step(f"the winner's receipt {issued['number']}: {issued['url']}")

    def _await(self, cycle_id: str, wanted: set[str]) -> None:
        ends = time.monotonic() + TIMEOUT_SECONDS
        while (status := self._cycle(cycle_id)["status"]) not in wanted:
            if time.monotonic() > ends or status == "failed":
                payout = self._platform.get(f"/payouts/status/{cycle_id}")
                raise ScenarioFailed(f"{cycle_id} is {status}, not {' or '.join(sorted(wanted))}: {payout}")
            time.sleep(0.1)

    def _cycle(self, cycle_id: str) -> Facts:
        return self._platform.get(f"/cycles/{cycle_id}")

    def _contributions(self, cycle_id: str) -> list[Facts]:
        rows: list[Facts] = self._platform.get(f"/cycles/{cycle_id}/contributions")["results"]
        return rows
