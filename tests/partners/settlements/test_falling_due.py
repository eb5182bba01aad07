"""Settlements in the forecast: what partners are owed, and from which account of ours it will leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.types import AccountRef, xof
from partners.falling_due import FALLING_DUE
from partners.settlements.queries import settlement
from partners.settlements.services.payments import execute_settlement
from sunusav.core import approvals
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.factories.floats import looked_at
from tests.factories.settlements import (
    BY,
    ON_THE_FIRST,
    account_in_use,
    another_partner,
    approved,
    closed,
    rate_of,
    seen_of,
    worked_example,
)
from tests.factories.treasury import BANK, WAVE, book, opening
from tests.factories.users import make_user
from transfers.balance_queries import liquidity_forecast
from transfers.calculations import forecast_days
from transfers.falling_due import FALLING_DUE as PAYMENTS
from transfers.services.disbursements import cancel_disbursement
from transfers.services.treasury_readings import read_treasury
from transfers.types import PaymentsDue

pytestmark = pytest.mark.django_db

TODAY = ON_THE_FIRST.date()


def accrued_247_francs() -> None:
    """3,099 sats at 8,000,000 are 247.92 francs: 247 are due."""
    rate_of("8000000")
    worked_example()


def listed() -> list[PaymentsDue]:
    return [one for list_due in FALLING_DUE for one in list_due(forecast_days(TODAY))]


def due(what: str, account: AccountRef, amount_xof: int = 247) -> PaymentsDue:
    return PaymentsDue(account, TODAY, what, 1, xof(amount_xof))


def test_month_that_waits_for_approval_is_due_from_the_bank_without_an_account() -> None:
    accrued_247_francs()
    closed()

    assert listed() == [due("due_settlement_pending", BANK)]


def test_month_that_waits_for_approval_is_due_from_the_rail_of_the_account() -> None:
    accrued_247_francs()
    account_in_use()
    closed()

    assert listed() == [due("due_settlement_pending", WAVE)]


def test_approved_settlement_is_due_as_it_was_approved() -> None:
    """It was approved before the partner had an account: only the bank pays it."""
    accrued_247_francs()
    approved(closed())
    account_in_use()

    assert listed() == [due("due_settlement_approved", BANK)]


def test_rejected_settlement_is_not_due() -> None:
    accrued_247_francs()
    proposal_id, _ = seen_of(closed())

    approvals.reject(
        proposal_id=proposal_id, approver=make_user(Role.APPROVER), reason="no", now=ON_THE_FIRST
    )

    assert listed() == []


def ordered(finance: User) -> int:
    """Have a settlement of 247 francs paid by Wave; return its payment."""
    accrued_247_francs()
    account_in_use()
    row = closed(proposer=finance)
    seen = approved(row)
    looked_at("wave", 10_000, at=ON_THE_FIRST)
    execute_settlement(settlement_id=row.pk, seen=seen, user=finance, now=ON_THE_FIRST)
    payment = settlement(row.pk).payout_id
    assert payment is not None
    return payment


def payments() -> list[PaymentsDue]:
    return [one for list_due in PAYMENTS for one in list_due(forecast_days(TODAY))]


def test_ordered_settlement_is_due_once_as_its_payment(finance: User) -> None:
    ordered(finance)

    assert listed() == []
    assert payments() == [due("due_processing", WAVE)]


def test_settlement_whose_payment_was_cancelled_is_due_again(finance: User) -> None:
    payment = ordered(finance)

    cancel_disbursement(disbursement_id=payment, reason="another day", actor=BY, now=ON_THE_FIRST)

    assert listed() == [due("due_settlement_approved", WAVE)]
    assert payments() == []


def test_float_of_two_hundred_is_forty_seven_short_of_what_is_due() -> None:
    accrued_247_francs()
    account_in_use()
    closed()
    book(opening(WAVE, 200), now=ON_THE_FIRST, happened_on=TODAY - timedelta(days=1))
    looked_at("wave", 200, at=ON_THE_FIRST)

    read_treasury(now=ON_THE_FIRST)

    found = {one.account: one for one in liquidity_forecast(now=ON_THE_FIRST).accounts}[WAVE]
    assert found.short_on is not None
    assert (found.short_on.day, found.short_on.short_amount, found.is_estimate) == (TODAY, 47, False)


def test_settlements_are_listed_by_as_many_queries_for_many() -> None:
    accrued_247_francs()
    account_in_use()
    closed()
    with CaptureQueriesContext(connection) as few:
        listed()
    for _ in range(3):
        partner = another_partner(at=ON_THE_FIRST - timedelta(days=17), now=ON_THE_FIRST)
        closed(partner=partner)

    with CaptureQueriesContext(connection) as many:
        assert [one.money for one in listed()] == [xof(247)] * 4

    assert len(many) == len(few)
