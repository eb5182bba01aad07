"""Refunds of the crash tests, and a scenario of the driver: a worker is killed at every step of one.

Import it after Django is set up. Each refund has a member of its own, whose credit would pay it twice.
"""

from datetime import datetime
from typing import Any

from payouts.calculations import refund_subject
from payouts.models import Refund
from payouts.services.refunds import request_refund
from sunusav.core import clock
from sunusav.core.actors import Actor
from tests.crash.driver import every_step, new_invoice
from tests.crash.payouts import MSAT, NET_SATS, Order, to_invoice
from tests.factories.payouts import MemberFactory, make_cycle, pay_contribution
from transfers.credit_queries import credit_msat
from transfers.models import Disbursement

CREDIT_SATS = 3 * NET_SATS


def every_step_of_a_refund(first: int = 1, stride: int = 1) -> dict[str, Any]:
    """As `every_step`, with refunds."""
    return {**every_step(first, stride, new_order=new_refund), "wrong_credits": wrong_credits()}


def new_refund(name: str, *, now: datetime | None = None) -> Order:
    """Credit a new member, and request that the net of a payout is refunded to an invoice of their wallet."""
    now, user_id = now or clock.now(), f"user-{name}"
    _give_credit(user_id)
    invoice = new_invoice(name)
    refund_id = request_refund(
        user_id=user_id, amount_sats=NET_SATS, destination=to_invoice(invoice), reason="crash test",
        actor=Actor.system("crash"), now=now,
    )  # fmt: skip
    subject = refund_subject(refund_id)
    disbursement_id = Disbursement.objects.values_list("id", flat=True).get(subject=subject)
    return {"id": disbursement_id, "subject": subject, "hash": invoice.payment_hash, "memo": name}


def _give_credit(user_id: str) -> None:
    """Have a new member pay too much for a cycle: what is too much becomes credit."""
    member = MemberFactory.create(user_id=user_id)
    cycle = make_cycle(member.group, winner_user_id=user_id)
    pay_contribution(cycle, user_id, received_msat=(cycle.contribution_sats + CREDIT_SATS) * MSAT)


def wrong_credits() -> list[dict[str, Any]]:
    """Return the refunds after which a credit did not fall by the amount once, or fell though it was cancelled."""
    results = [_credit_after(row) for row in Refund.objects.order_by("pk")]
    return [result for result in results if result["fell_msat"] != result["expected_msat"]]


def _credit_after(row: Refund) -> dict[str, Any]:
    state = Disbursement.objects.values_list("state", flat=True).get(subject=refund_subject(row.pk))
    return {
        "user": row.user_id, "state": state, "fell_msat": CREDIT_SATS * MSAT - credit_msat(row.user_id),
        "expected_msat": 0 if state == "cancelled" else NET_SATS * MSAT,
    }  # fmt: skip
