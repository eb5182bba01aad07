"""Payouts of the crash tests: order one, and compare our books with the paying node's record.

Import it after Django is set up. Wallets are simulated or real ones.
"""

from datetime import datetime
from typing import Any

from fees.types import PricedFor
from ledger.auditor import audit
from ledger.enums import AccountRole, Currency
from ledger.queries import owed
from ledger.services import post
from ledger.types import AccountRef, Line
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.crash.wallets import WalletInvoice, Wallets
from transfers.models import Disbursement
from transfers.services.disbursements import request_disbursement
from transfers.types import Choice, Destination, DisbursementRequest

PAYOUT_SATS = 100_000
NET_SATS = 99_000
MSAT = 1_000
INVOICE_SECONDS = 86_400
Order = dict[str, Any]
_NODE = AccountRef(AccountRole.NODE, Currency.MSAT)


def new_invoice(wallets: Wallets, memo: str, *, expiry_seconds: int = INVOICE_SECONDS) -> WalletInvoice:
    """Return an invoice of the winner's wallet for the net."""
    return wallets.invoice(NET_SATS * MSAT, memo=memo, expiry_seconds=expiry_seconds)


def to_invoice(invoice: WalletInvoice) -> Destination:
    return Destination("lightning", "bolt11", invoice.text)


def pot_of(subject: str) -> AccountRef:
    return AccountRef(AccountRole.GROUP_POT, Currency.MSAT, subject)


def fund(subject: str, *, now: datetime) -> None:
    """Put the payout into the subject's pot."""
    amount = PAYOUT_SATS * MSAT
    post(kind="receipt_for_test", reference=f"fund:{subject}", at=now, subject=subject,
         lines=[Line(_NODE, amount), Line(pot_of(subject), -amount)])  # fmt: skip


def order(
    subject: str,
    destination: Destination,
    *,
    reference: str = "",
    now: datetime,
    scheduled_at: datetime | None = None,
) -> Order:
    """Order the payment of a funded pot; `reference` is the invoice's hash if it is known."""
    request = DisbursementRequest(
        subject=subject, payout_msat=PAYOUT_SATS * 1_000, debit=pot_of(subject), choices=(Choice(destination),),
        priced_for=PricedFor("group:crash", f"user:{subject.partition(':')[2]}", "wave"), scheduled_at=scheduled_at,
    )  # fmt: skip
    disbursement_id = request_disbursement(request=request, actor=Actor.system("crash"), now=now)
    return {"id": disbursement_id, "subject": subject, "hash": reference}


def new_payout(name: str, invoice: WalletInvoice, *, now: datetime | None = None) -> Order:
    """Fund a pot and order its payment to an invoice of the winner's wallet."""
    now, subject = now or clock.now(), f"cycle:{name}"
    fund(subject, now=now)
    return order(subject, to_invoice(invoice), reference=invoice.payment_hash, now=now)


def take_back(subject: str, *, now: datetime) -> None:
    """Empty the pot of what was not paid: the audit misses the cycle that it would belong to."""
    left = owed(pot_of(subject))
    if left:
        post(kind="receipt_for_test", reference=f"take back:{subject}", at=now, subject=subject,
             lines=[Line(_NODE, -left), Line(pot_of(subject), left)])  # fmt: skip


def result_of(order: Order, wallets: Wallets) -> dict[str, Any]:
    """Return the state of a payout in our books and what the node has paid for it."""
    row, paid = Disbursement.objects.get(pk=order["id"]), wallets.paid(order["hash"])
    return {
        "state": row.state,
        "payments": paid.payments,
        "paid_msat": paid.amount_msat,
        "attempts": list(row.attempts.order_by("number").values_list("state", flat=True)),
    }


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    right = {"state": "completed", "payments": 1, "paid_msat": NET_SATS * MSAT, "attempts": ["succeeded"]}
    wrong = [result for result in results if not right.items() <= result.items()]
    return {"payouts": len(results), "wrong": wrong, "breaches": breaches(now=clock.now())}


def breaches(*, now: datetime) -> list[str]:
    """Audit the books."""
    found = audit(now=now).breaches
    return [f"{breach.invariant} {breach.subject}: {breach.detail}" for breach in found]
