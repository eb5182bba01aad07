"""Journal lines of each movement, with numbers worked by hand."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fees.types import Discounts, FeeSplit, FixedFee, PricedFor
from ledger.calculations import xof_from_msat
from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Line, msat, xof
from transfers.booking import Shares, hold_lines, paid_lines, shares_of

POT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:m")
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
ROUTING = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
TRANSIT = AccountRef(AccountRole.IN_TRANSIT, Currency.MSAT)
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
        payout_msat=100_000_000,
        fee=fee,
        paid=msat(99_500_000),
        cost=msat(1_234),
        paid_from=NODE,
        cost_account=ROUTING,
        residue=CREDIT,
        shares=Shares(99_500_000),
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
        payout_msat=101_000,
        fee=fee,
        paid=msat(100_000),
        cost=msat(0),
        paid_from=NODE,
        cost_account=ROUTING,
        residue=CREDIT,
        shares=Shares(100_000),
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
        fee=fixed,
        paid=msat(net * 1000),
        cost=msat(cost_msat),
        paid_from=NODE,
        cost_account=ROUTING,
        residue=CREDIT,
        shares=Shares(net * 1000),
    )

    assert sum(line.amount for line in lines) == 0


FLOAT = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "franc")
CHARGES = AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, "franc")
POSITION = AccountRef(AccountRole.CURRENCY_POSITION, Currency.MSAT)
POSITION_XOF = AccountRef(AccountRole.CURRENCY_POSITION, Currency.XOF)
ROUNDING = AccountRef(AccountRole.ROUNDING_RESIDUE, Currency.MSAT)
EIGHT_MILLION = Decimal(8_000_000)


def test_paid_lines_in_francs_give_the_payee_what_they_leave_over():
    """12,299 sats of net at 8,000,000: 983 francs leave, 11,500 msat become the payee's credit; the charge is 5 F."""
    lines = paid_lines(
        payout_msat=12_299_000, fee=None, paid=xof(983), cost=xof(5), paid_from=FLOAT, cost_account=CHARGES,
        residue=CREDIT, shares=shares_of(12_299_000, paid=xof(983), rate_xof_per_btc=EIGHT_MILLION),
    )  # fmt: skip

    assert lines == [
        Line(TRANSIT, 12_299_000),
        Line(POSITION, -12_287_500),
        Line(CREDIT, -11_500),
        Line(POSITION_XOF, 983),
        Line(FLOAT, -988),
        Line(CHARGES, 5),
    ]


def test_shares_below_one_msat_are_rounding_residue():
    """10,000 sats at 9,123,457: 912 F are 9,996,210.87 msat, 0.3457 F are 3,789.13; one msat is left."""
    shares = shares_of(10_000_000, paid=xof(912), rate_xof_per_btc=Decimal(9_123_457))

    assert shares == Shares(exchanged_msat=9_996_210, residue_msat=3_789, rounding_msat=1)


def test_francs_without_a_rate_are_worth_the_whole_net():
    assert shares_of(12_345_678, paid=xof(987), rate_xof_per_btc=None) == Shares(12_345_678)


@given(st.integers(1, 10**15), st.decimals(655_957, 6_559_570_000, places=8), st.integers(0, 10**6))
def test_paid_lines_in_francs_balance_in_both_currencies(net_msat, rate, cost_xof):
    pay_xof = xof_from_msat(net_msat, rate_xof_per_btc=rate)
    shares = shares_of(net_msat, paid=xof(pay_xof), rate_xof_per_btc=rate)

    lines = paid_lines(
        payout_msat=net_msat, fee=None, paid=xof(pay_xof), cost=xof(cost_xof), paid_from=FLOAT,
        cost_account=CHARGES, residue=CREDIT, shares=shares,
    )  # fmt: skip

    assert shares.rounding_msat in (0, 1)
    for currency in Currency:
        assert sum(line.amount for line in lines if line.account.currency is currency) == 0
