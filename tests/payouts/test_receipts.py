"""A receipt shows what was fixed and booked, whatever changes afterwards."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import Settings

from fees.enums import DiscountKind
from fees.queries import forget_schedules
from fees.services import revoke_discount
from payouts.models import Group
from payouts.receipts import receipt_of
from sunusav.core.roles import Role
from tests.factories.payouts import (
    ACTOR,
    NOW,
    make_group,
    make_payable_cycle,
    make_ready_cycle,
    process,
    verify,
)
from tests.factories.users import make_user
from tests.fakes.franc_rail import NAME as FRANCS
from tests.fakes.franc_rail import phone
from tests.fees.builders import draft, published
from tests.ledger.builders import stored_rate
from transfers.engine.runner import run_due


@pytest.mark.django_db
def test_receipt_stays_as_it_was_booked(settings: Settings) -> None:
    """99,500 sats at 9,000,000 XOF/BTC are 8,955 francs."""
    stored_rate("9000000", at=NOW)
    group = make_group(members=10)
    verify(group)
    payout_id = process(make_payable_cycle(group, net_sats=99_500))
    run_due(slots=1, clock=lambda: NOW)
    receipt = receipt_of(payout_id)
    assert (receipt.rate_xof_per_btc, receipt.net_xof) == (Decimal(9_000_000), Decimal("8955.00"))

    stored_rate("12000000", at=NOW + timedelta(minutes=1))
    settings.FALLBACK_BTC_XOF_RATE = "15000000"
    published(draft(make_user(Role.FINANCE)), make_user(Role.FINANCE), make_user(Role.APPROVER))
    forget_schedules()
    revoke_discount(
        holder=f"group:{group.pk}",
        kind=DiscountKind.VERIFIED_GROUP,
        actor=ACTOR,
        now=NOW + timedelta(minutes=1),
    )
    Group.objects.update(settlement_partner_id="orange")

    assert receipt_of(payout_id) == receipt


@pytest.mark.django_db
def test_receipt_of_a_payment_in_francs_shows_what_was_sent_and_what_was_credited(settings: Settings) -> None:
    """Of 12,423 sats 124 are the fee. The net of 12,299 is 983.92 francs at 8,000,000: 0.92 francs are 11,500 msat."""
    settings.RAILS = {**settings.RAILS, FRANCS: "tests.fakes.franc_rail.ScriptedFrancRail"}
    stored_rate("8000000", at=NOW)
    cycle = make_ready_cycle(
        make_group(members=3), contribution_sats=4_141, destination=phone("+221771234567")
    )
    payout_id = process(cycle)
    run_due(slots=1, clock=lambda: NOW)

    receipt = receipt_of(payout_id)

    assert (receipt.split.net_sats, receipt.paid_xof, receipt.credited_msat) == (12_299, 983, 11_500)
    assert (receipt.net_xof, receipt.rail) == (Decimal("983.92"), FRANCS)
    assert (receipt.payment_hash, receipt.preimage) == ("", "")
    assert receipt.reference
    assert receipt.proof
