"""Compare what was ordered, what the platform's node recorded, and what was booked."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tests.live_lnd.journeys.product import MSAT, Product

BROKEN = 1  # the exit status of `audit_books`; 2 is "nothing broken, something waits"
MISMATCH = re.compile(r"^([0-9a-f]{64}):", re.MULTILINE)  # a line of `reconcile_payouts`


@dataclass(frozen=True)
class Judgement:
    """`wrong` names every payout that was not paid exactly once, and every payment that belongs to no payout."""

    ordered: int
    paid: int
    booked: int
    wrong: tuple[str, ...]
    audit: str
    mismatches: frozenset[str]

    @property
    def table(self) -> str:
        return f"payments ordered {self.ordered}, paid by the node's record {self.paid}, booked {self.booked}"


def judge(product: Product) -> Judgement:
    """Judge all payouts so far; payments that a test has made outside the books are left out."""
    payouts = product.payouts()
    recorded = [
        payment
        for payment in product.network.platform.payments()
        if payment["status"] == "SUCCEEDED" and payment["payment_hash"] not in product.paid_outside
    ]
    paid = Counter(payment["payment_hash"] for payment in recorded)
    amounts = {payment["payment_hash"]: int(payment["value_msat"]) for payment in recorded}
    completed = {row["lightning_payment_hash"]: row for row in payouts if row["status"] == "completed"}
    wrong = [
        f"payout {row['id']}: {row['status']}, paid {paid[payment_hash]} times, {amounts.get(payment_hash)} msat"
        for payment_hash, row in completed.items()
        if paid[payment_hash] != 1 or amounts[payment_hash] != row["net_payout"] * MSAT
    ]
    wrong += [f"paid without a payout: {one}" for one in paid if one not in completed]
    audit = product.command("audit_books", "--no-pause")
    matched = product.command("reconcile_payouts")
    return Judgement(
        ordered=len(payouts),
        paid=sum(paid.values()),
        booked=len(completed),
        wrong=tuple(wrong),
        audit=audit.stdout + audit.stderr if audit.returncode == BROKEN else "",
        mismatches=frozenset(MISMATCH.findall(matched.stderr)),
    )


def require_right(product: Product) -> None:
    """Assert that every payout was paid once and booked, and nothing else; print the table.

    What the node left in flight without end is not paid, and not booked.
    """
    found = judge(product)
    print(found.table)
    assert found.wrong == ()
    assert found.ordered - len(product.left_in_flight) == found.paid == found.booked
    assert found.audit == ""
    assert found.mismatches == product.paid_outside
