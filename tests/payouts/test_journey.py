"""A payout from contributions to receipt, with numbers worked by hand.

Ten members give 10,000 sats each: a pot of 100,000. The group is verified: the fee is floor(100,000 × 0.5 %) = 500,
of which platform floor(50 %) = 250, community floor(20 %) = 100, partner reserve the remaining 150. Net 99,500.
"""

from decimal import Decimal

import pytest

from fees.types import FeeSplit
from ledger.enums import AccountRole, Currency
from ledger.queries import balance, owed
from ledger.types import AccountRef
from payouts.calculations import pot_of
from payouts.models import Cycle
from payouts.queries.cycles import cycle as cycle_of
from payouts.queries.payouts import payout_of
from payouts.receipts import receipt_of
from payouts.services.cycles import record_ready_cycles, set_destination
from sunusav.core.app_modules import collect
from sunusav.core.auditing import AuditScope
from tests.factories.payouts import ACTOR as BY
from tests.factories.payouts import (
    NOW,
    make_cycle,
    make_group,
    pay_contribution,
    process,
    verify,
)
from tests.fakes.rail import FakeInvoice, ScriptedRail, invoice
from transfers.engine.runner import run_due


def _owed(role: AccountRole, owner: str = "") -> int:
    return owed(AccountRef(role, Currency.MSAT, owner))


@pytest.mark.django_db
def test_a_verified_group_of_ten_is_paid_once_with_99500_of_100000_sats(node: ScriptedRail) -> None:
    group = make_group(members=10)
    verify(group)
    cycle = make_cycle(group, contribution_sats=10_000)

    for number in range(10):
        assert cycle_of(cycle.pk).contributions_settled == number
        pay_contribution(cycle, f"user-{number}")
    assert record_ready_cycles(now=NOW) == 1
    assert cycle_of(cycle.pk).status == "ready"
    assert owed(pot_of(cycle.pk)) == 100_000_000
    assert balance(AccountRef(AccountRole.NODE, Currency.MSAT)) == 100_000_000

    set_destination(cycle_id=cycle.pk, destination=invoice("awa", 99_500), actor=BY, now=NOW)
    payout_id = process(cycle, group_verified=True, user_recurring=False)
    assert cycle_of(cycle.pk).status == "paying"
    run_due(slots=1, clock=lambda: NOW)

    paid_invoice = FakeInvoice.read(invoice("awa", 99_500).value)
    assert node.paid == {paid_invoice.payment_hash: 99_500_000}
    assert cycle_of(cycle.pk).status == "paid"
    assert payout_of(cycle.pk).payout_status == "completed"
    assert _owed(AccountRole.GROUP_POT, f"cycle:{cycle.pk}") == 0
    assert _owed(AccountRole.PLATFORM_FEE_INCOME) == 250_000
    assert _owed(AccountRole.COMMUNITY_FUND) == 100_000
    assert _owed(AccountRole.PARTNER_RESERVE, "wave") == 150_000
    assert balance(AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)) == 1_500
    assert balance(AccountRef(AccountRole.NODE, Currency.MSAT)) == 100_000_000 - 99_500_000 - 1_500

    receipt = receipt_of(payout_id)
    assert receipt.split == FeeSplit(500, 250, 100, 150, 99_500)
    assert (receipt.payment_hash, receipt.preimage) == (
        paid_invoice.payment_hash,
        paid_invoice.preimage.hex(),
    )
    assert (receipt.is_verified_group, receipt.is_recurring_user) == (True, False)
    assert (receipt.rate_xof_per_btc, receipt.is_fallback_rate) == (Decimal(8_000_000), True)
    assert receipt.net_xof == Decimal("7960.00")
    assert [movement.kind for movement in receipt.movements] == ["hold", "payment"]

    rules = [rule for rule in collect("invariants", "INVARIANTS") if not rule.waiting]
    assert [breach for rule in rules for breach in rule.find(AuditScope(now=NOW))] == []
    assert Cycle.objects.get(pk=cycle.pk).state == "ready"
