"""Payments in francs, with numbers worked by hand.

100,000 sats cost 1 % = 1,000 = 500 + 200 + 300; the net is 99,000 sats. At 8,000,000 XOF/BTC one sat is 0.08 XOF, so
the net is 7,920 F exactly. At 9,123,457 it is 9,032.22243 F: 9,032 F leave, and 0.22243 F are left over.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from fees.errors import NetNotPositive
from fees.models import DiscountGrant
from ledger.enums import AccountRole, Currency
from ledger.models import CurrencyConversion
from ledger.queries import balance, owed
from ledger.types import AccountRef
from sunusav.core.auditing import AuditScope
from tests.fakes.franc_rail import CHARGES, FLOAT, ScriptedFrancRail, phone
from tests.ledger.builders import stored_rate
from tests.transfers.builders import (
    BY,
    NET_SATS,
    NOW,
    PAYOUT_MSAT,
    fund,
    ordered,
    pot,
    replace_destination,
    request_for,
    row_of,
    run,
    snapshot,
)
from tests.transfers.rails import SteeredRail, Watch, invoice_for
from tests.transfers.unchanged import unchanged
from transfers.booking import COMMUNITY_FUND, IN_TRANSIT, ROUNDING
from transfers.enums import FailureClass
from transfers.errors import FrancsNotAgreed, NetBelowOneFranc
from transfers.invariants import INVARIANTS
from transfers.services.disbursements import request_disbursement, retry_disbursement
from transfers.types import Choice, Refused, Unknown
from transfers.types.accounts import POSITION_MSAT, POSITION_XOF

pytestmark = pytest.mark.django_db

AWA = phone("+221770000001")
CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:awa")
FRANCS: dict[str, Any] = {"destination": AWA, "residue": CREDIT}


@pytest.fixture(autouse=True)
def fallback_moves_nothing(settings: Any) -> None:
    settings.FALLBACK_RATE_MOVES_FRANCS = False


def breaches(watch: Watch) -> list[Any]:
    scope = AuditScope(now=watch())
    return [found for one in INVARIANTS if not one.waiting for found in one.find(scope)]


def test_net_in_whole_francs_leaves_nothing_over(francs: ScriptedFrancRail, watch: Watch) -> None:
    stored_rate("8000000", at=NOW)
    disbursement_id = ordered(**FRANCS)
    row = row_of(disbursement_id)
    assert (row.net_msat, row.pay_xof, row.residue_xof) == (99_000_000, 7_920, Decimal(0))

    run(watch)

    assert snapshot(disbursement_id).state == "completed"
    assert francs.paid == {f"franc-{disbursement_id}": 7_920}
    assert (balance(FLOAT), balance(CHARGES)) == (-7_925, 5)
    assert (balance(POSITION_XOF), balance(POSITION_MSAT)) == (7_920, -99_000_000)
    assert (owed(CREDIT), owed(COMMUNITY_FUND), balance(ROUNDING)) == (0, 200_000, 0)
    assert breaches(watch) == []


def test_what_francs_leave_over_becomes_the_winners_credit(francs: ScriptedFrancRail, watch: Watch) -> None:
    """At 9,123,457, 9,032 F are worth 98,997,561.99 msat and 0.22243 F 2,438.001 msat: one msat is rounding residue."""
    stored_rate("9123457", at=NOW)
    disbursement_id = ordered(**FRANCS)

    run(watch)

    row = row_of(disbursement_id)
    assert (row.pay_xof, row.residue_xof) == (9_032, Decimal("0.22243"))
    assert francs.paid == {f"franc-{disbursement_id}": 9_032}
    assert owed(CREDIT) == 2_438
    assert (-balance(POSITION_MSAT), -balance(ROUNDING)) == (98_997_561, 1)
    assert balance(POSITION_XOF) == 9_032
    assert breaches(watch) == []


def test_retry_pays_the_francs_that_were_fixed_first(francs: ScriptedFrancRail, watch: Watch) -> None:
    stored_rate("8000000", at=NOW)
    disbursement_id = ordered(**FRANCS)
    francs.script.append(Refused("account-limit", FailureClass.FINAL))
    run(watch)
    watch.advance(3_600)
    stored_rate("9000000", at=watch())

    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="limit raised", now=watch())
    run(watch)

    assert francs.paid == {f"franc-{disbursement_id}-again": 7_920}
    assert CurrencyConversion.objects.count() == 1
    assert breaches(watch) == []


def test_scheduled_francs_have_the_rate_of_their_moment_however_late_they_begin(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    """At 8,000,000 the net of 99,000 sats is 7,920 F; two days later the rate is 9,000,000, which would be 8,910 F."""
    at = NOW + timedelta(hours=1)
    disbursement_id = ordered(**FRANCS, scheduled_at=at)
    stored_rate("8000000", at=at)
    watch.advance(48 * 3_600)
    stored_rate("9000000", at=watch())

    run(watch)

    assert francs.paid == {f"franc-{disbursement_id}": 7_920}
    assert breaches(watch) == []


def test_scheduled_francs_without_a_fresh_rate_at_their_moment_have_that_of_the_beginning(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = ordered(**FRANCS, scheduled_at=NOW + timedelta(hours=1))
    watch.advance(48 * 3_600)
    stored_rate("9000000", at=watch())

    run(watch)

    assert francs.paid == {f"franc-{disbursement_id}": 8_910}
    assert breaches(watch) == []


def test_rate_that_is_not_fresh_defers_and_is_no_failure_of_the_rail(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    disbursement_id = ordered(**FRANCS)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code, row.pay_xof) == ("processing", "rate-not-fresh", None)
    assert row.due_at == NOW + timedelta(seconds=60)
    assert (francs.sends, owed(IN_TRANSIT)) == (0, PAYOUT_MSAT)

    watch.advance(60)
    stored_rate("8000000", at=watch())
    run(watch)

    assert francs.paid == {f"franc-{disbursement_id}": 7_920}
    assert breaches(watch) == []


def test_net_below_one_franc_is_refused(francs: ScriptedFrancRail) -> None:
    """12 sats less a fee of one are 11 sats: 0.88 F at 8,000,000."""
    stored_rate("8000000", at=NOW)
    fund("cycle:awa", 12)
    with unchanged(), pytest.raises(NetBelowOneFranc) as refusal:
        request_disbursement(request=request_for(payout_sats=12, **FRANCS), actor=BY, now=NOW)
    assert refusal.value.net_msat == 11_000


def test_redirect_to_francs_fixes_them_then(
    francs: ScriptedFrancRail, node: SteeredRail, watch: Watch
) -> None:
    node.script.append(Refused("no-route", FailureClass.FINAL))
    disbursement_id = ordered(residue=CREDIT)
    run(watch)
    watch.advance(60)
    run(watch)
    stored_rate("8000000", at=watch())

    replace_destination(disbursement_id=disbursement_id, destination=AWA, actor=BY, now=watch())
    assert row_of(disbursement_id).pay_xof == 7_920
    retry_disbursement(disbursement_id=disbursement_id, actor=BY, reason="by phone", now=watch())
    run(watch)

    assert (node.paid, francs.paid) == ({}, {f"franc-{disbursement_id}": 7_920})
    assert snapshot(disbursement_id).state == "completed"
    assert breaches(watch) == []


def test_request_that_fixes_both_sides_needs_no_rate(francs: ScriptedFrancRail, watch: Watch) -> None:
    """A settlement: 12,345,678 msat of reserve are paid as 987 F, from many booked rates."""
    fund("cycle:awa", 100_000)
    request = request_for(
        payout_sats=0, priced_for=None, destination=AWA, pay_xof=987,
    )  # fmt: skip
    request = type(request)(**{**vars(request), "payout_msat": 12_345_678})
    disbursement_id = request_disbursement(request=request, actor=BY, now=NOW)
    run(watch)

    assert francs.paid == {f"franc-{disbursement_id}": 987}
    assert (balance(POSITION_XOF), balance(POSITION_MSAT), balance(ROUNDING)) == (987, -12_345_678, 0)
    assert owed(pot("cycle:awa")) == 100_000_000 - 12_345_678
    assert not CurrencyConversion.objects.exists()
    assert breaches(watch) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"destination": AWA, "pay_xof": 987},
        {"priced_for": None, "pay_xof": 987},
        {"priced_for": None, "pay_xof": 987, "choices": (Choice(AWA), Choice(invoice_for("awa", NET_SATS)))},
    ],
)
def test_francs_fixed_by_a_request_are_for_payments_without_a_fee_to_francs_alone(
    changes: dict[str, Any],
) -> None:
    fund("cycle:awa")
    with unchanged(), pytest.raises(FrancsNotAgreed):
        request_disbursement(request=request_for(**changes), actor=BY, now=NOW)


def test_answer_lost_after_paying_is_found_and_paid_once(francs: ScriptedFrancRail, watch: Watch) -> None:
    stored_rate("8000000", at=NOW)
    disbursement_id = ordered(**FRANCS)
    francs.script.append(Unknown(seen=False, reason="no-answer"))
    run(watch)
    reference = f"franc-{disbursement_id}"
    francs.paid[reference] = 7_920

    watch.advance(1)
    run(watch)

    assert (snapshot(disbursement_id).state, francs.sends, francs.paid) == (
        "completed", 1, {reference: 7_920},
    )  # fmt: skip
    assert breaches(watch) == []


def test_money_that_came_back_before_it_was_booked_waits_for_a_person(
    francs: ScriptedFrancRail, watch: Watch
) -> None:
    stored_rate("8000000", at=NOW)
    disbursement_id = ordered(**FRANCS)
    francs.script.append(Unknown(seen=False, reason="no-answer"))
    run(watch)
    francs.paid[f"franc-{disbursement_id}"] = 7_920
    francs.give_back(f"franc-{disbursement_id}", at=watch())

    watch.advance(1)
    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.failure_code) == ("needs_review", "given-back")
    assert (balance(FLOAT), owed(IN_TRANSIT)) == (0, PAYOUT_MSAT)
    assert breaches(watch) == []


# The terms of a scheduled payment


def test_scheduled_payment_has_the_terms_of_its_moment_however_late_it_begins(
    node: SteeredRail, watch: Watch
) -> None:
    """A discount that ended while outgoing money was paused is kept."""
    at = NOW + timedelta(hours=1)
    DiscountGrant.objects.create(
        holder="group:group-1", kind="verified_group", discount_bps=5_000, starts_at=NOW,
        ends_at=at + timedelta(minutes=1), granted_for="test", granted_at=NOW,
    )  # fmt: skip
    disbursement_id = ordered(scheduled_at=at, destination=invoice_for("awa", 99_500))
    watch.advance(48 * 3_600)

    run(watch)

    row = row_of(disbursement_id)
    assert (row.state, row.fee_msat, row.terms_at) == ("completed", 500_000, at)


def test_terms_of_a_moment_without_a_net_are_refused_when_it_begins(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = ordered(payout_sats=1, scheduled_at=NOW + timedelta(hours=1))
    watch.advance(3_600)
    run(watch)
    assert row_of(disbursement_id).failure_code == NetNotPositive.code
