"""Journal lines of each movement, with numbers worked by hand."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fees.types import Discounts, FeeSplit, FixedFee, PricedFor
from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Line
from transfers.booking import hold_lines, paid_lines, receipt_lines

POT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
ROUTING = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
TRANSIT = AccountRef(AccountRole.IN_TRANSIT, Currency.MSAT)
CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:m")
PLATFORM = AccountRef(AccountRole.PLATFORM_FEE_INCOME, Currency.MSAT)
FUND = AccountRef(AccountRole.COMMUNITY_FUND, Currency.MSAT)
WAVE = AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, "wave")


def _fee(*, payout, fee, platform, community, partner):
    return FixedFee(
        assessment_id=1,
        subject="cycle:c",
        payout_sats=payout,
        split=FeeSplit(fee, platform, community, partner, payout - fee),
        discounts=Discounts(),
        schedule_id=1,
        schedule_version=1,
        priced_for=PricedFor("group:g", "user:u", "wave"),
        rate_id=1,
        rate_xof_per_btc=Decimal(8_000_000),
        is_fallback_rate=True,
        fixed_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def test_hold_lines_move_the_gross_from_pot_to_transit():
    assert hold_lines(debit=POT, amount_msat=100_000_000) == [
        Line(POT, 100_000_000),
        Line(TRANSIT, -100_000_000),
    ]


def test_paid_lines_of_a_verified_payout_of_100000_sats():
    fee = _fee(payout=100_000, fee=500, platform=250, community=100, partner=150)

    lines = paid_lines(
        payout_msat=100_000_000, net_msat=99_500_000, fee=fee, cost_msat=1_234, paid_from=NODE, cost=ROUTING
    )

    assert lines == [
        Line(TRANSIT, 100_000_000),
        Line(NODE, -99_501_234),
        Line(ROUTING, 1_234),
        Line(PLATFORM, -250_000),
        Line(FUND, -100_000),
        Line(WAVE, -150_000),
    ]


def test_paid_lines_leave_out_what_is_nothing():
    fee = _fee(payout=101, fee=1, platform=0, community=0, partner=1)

    lines = paid_lines(
        payout_msat=101_000, net_msat=100_000, fee=fee, cost_msat=0, paid_from=NODE, cost=ROUTING
    )

    assert lines == [Line(TRANSIT, 101_000), Line(NODE, -100_000), Line(WAVE, -1_000)]


@given(
    fee=st.integers(1, 10_000),
    net=st.integers(1, 10**12),
    cost_msat=st.integers(0, 10**9),
    cuts=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_paid_lines_always_balance(fee, net, cost_msat, cuts):
    platform = int(fee * cuts[0])
    community = int((fee - platform) * cuts[1])
    fixed = _fee(
        payout=net + fee, fee=fee, platform=platform, community=community, partner=fee - platform - community
    )

    lines = paid_lines(
        payout_msat=(net + fee) * 1000,
        net_msat=net * 1000,
        fee=fixed,
        cost_msat=cost_msat,
        paid_from=NODE,
        cost=ROUTING,
    )

    assert sum(line.amount for line in lines) == 0


def test_receipt_lines_credit_what_was_due_and_the_rest_to_the_payer():
    lines = receipt_lines(
        received_msat=10_000_500, due_msat=10_000_000, arrived_in=NODE, credit=POT, overpaid=CREDIT
    )

    assert lines == [Line(NODE, 10_000_500), Line(POT, -10_000_000), Line(CREDIT, -500)]


def test_receipt_lines_of_an_exact_payment_touch_no_credit():
    lines = receipt_lines(received_msat=1_000, due_msat=1_000, arrived_in=NODE, credit=POT, overpaid=CREDIT)

    assert lines == [Line(NODE, 1_000), Line(POT, -1_000)]


def test_receipt_lines_for_a_closed_request_are_all_the_payers():
    lines = receipt_lines(received_msat=7_000, due_msat=0, arrived_in=NODE, credit=POT, overpaid=CREDIT)

    assert lines == [Line(NODE, 7_000), Line(CREDIT, -7_000)]
