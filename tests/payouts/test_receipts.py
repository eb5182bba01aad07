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
from tests.factories.payouts import ACTOR, NOW, make_group, make_payable_cycle, process, verify
from tests.factories.users import make_user
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
