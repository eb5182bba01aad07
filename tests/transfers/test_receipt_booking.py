"""Journal lines of money that comes in, with numbers worked by hand at 9,123,457 XOF per BTC.

10,000 sats cost 913 XOF, which are worth 10,007,171 msat; 400 XOF are worth 4,384,303 msat, 87 XOF 953,585, and
1 XOF 10,960.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.calculations import differences
from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Line, msat, xof
from transfers.enums import ReceiptUse
from transfers.receipt_booking import (
    CollectionTerms,
    clearing_of,
    parts_credited_lines,
    receipt_lines,
    use_of,
)

RATE = Decimal(9_123_457)
POT = AccountRef(AccountRole.GROUP_POT, Currency.MSAT, "cycle:c")
INCOME = AccountRef(AccountRole.SUBSCRIPTION_INCOME, Currency.XOF)
CREDIT = AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, "member:m")
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
FLOAT = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "franc")
HELD_XOF = AccountRef(AccountRole.CONTRIBUTION_CLEARING, Currency.XOF, "collection:7")
HELD_MSAT = AccountRef(AccountRole.CONTRIBUTION_CLEARING, Currency.MSAT, "collection:7")
POSITION_XOF = AccountRef(AccountRole.CURRENCY_POSITION, Currency.XOF)
POSITION_MSAT = AccountRef(AccountRole.CURRENCY_POSITION, Currency.MSAT)
RESIDUE = AccountRef(AccountRole.ROUNDING_RESIDUE, Currency.MSAT)

SATS_BY_FRANCS = CollectionTerms(
    asked=xof(913), due=msat(10_000_000), arrives_in=FLOAT, clearing=HELD_XOF, credit=POT, overpaid=CREDIT,
    rate_xof_per_btc=RATE,
)  # fmt: skip
FRANCS_BY_FRANCS = replace(SATS_BY_FRANCS, asked=xof(500), due=xof(500), credit=INCOME)
SATS_BY_SATS = CollectionTerms(
    asked=msat(10_000_000), due=msat(10_000_000), arrives_in=NODE, clearing=HELD_MSAT, credit=POT,
    overpaid=CREDIT, rate_xof_per_btc=None,
)  # fmt: skip
# At 8,000,000: 500 XOF are 6,250 sats.
FRANCS_BY_SATS = replace(
    SATS_BY_SATS, asked=msat(6_250_000), due=xof(500), credit=INCOME, rate_xof_per_btc=Decimal(8_000_000)
)
ALL_TERMS = [SATS_BY_FRANCS, FRANCS_BY_FRANCS, SATS_BY_SATS, FRANCS_BY_SATS]


def complete(terms: CollectionTerms, received: int, in_clearing: int = 0) -> list[Line]:
    return receipt_lines(terms, use=ReceiptUse.COMPLETE, received=received, in_clearing=in_clearing)


def test_clearing_of_belongs_to_one_collection() -> None:
    assert clearing_of(7, Currency.XOF) == HELD_XOF


# What a payment does


@pytest.mark.parametrize(
    ("is_awaiting", "in_clearing", "received", "use"),
    [
        (True, 0, 913, "complete"),
        (True, 0, 914, "complete"),
        (True, 0, 912, "part"),
        (True, 912, 1, "complete"),
        (True, 911, 1, "part"),
        (False, 0, 913, "extra"),
        (False, 0, 1, "extra"),
    ],
)
def test_use_of_a_payment(is_awaiting: bool, in_clearing: int, received: int, use: str) -> None:
    assert use_of(is_awaiting=is_awaiting, asked=913, in_clearing=in_clearing, received=received) == use


# Sats that are due, paid in francs


def test_receipt_lines_of_exact_francs_credit_the_sats_due_and_keep_the_excess_as_residue() -> None:
    assert complete(SATS_BY_FRANCS, 913) == [
        Line(FLOAT, 913),
        Line(POSITION_XOF, -913),
        Line(POSITION_MSAT, 10_007_171),
        Line(POT, -10_000_000),
        Line(RESIDUE, -7_171),
    ]


def test_receipt_lines_of_francs_above_what_was_asked_credit_their_value_to_the_payer() -> None:
    assert complete(SATS_BY_FRANCS, 1_000) == [
        Line(FLOAT, 1_000),
        Line(POSITION_XOF, -1_000),
        Line(POSITION_MSAT, 10_007_171 + 953_585),
        Line(POT, -10_000_000),
        Line(RESIDUE, -7_171),
        Line(CREDIT, -953_585),
    ]


def test_receipt_lines_of_a_part_wait_in_clearing() -> None:
    part = receipt_lines(SATS_BY_FRANCS, use=ReceiptUse.PART, received=400, in_clearing=0)
    assert part == [Line(FLOAT, 400), Line(HELD_XOF, -400)]


def test_receipt_lines_of_the_last_part_release_clearing_and_credit_what_is_due() -> None:
    assert complete(SATS_BY_FRANCS, 514, 400) == [
        Line(FLOAT, 514),
        Line(HELD_XOF, 400),
        Line(POSITION_XOF, -914),
        Line(POSITION_MSAT, 10_007_171 + 10_960),
        Line(POT, -10_000_000),
        Line(RESIDUE, -7_171),
        Line(CREDIT, -10_960),
    ]


def test_receipt_lines_of_extra_francs_are_all_the_payers() -> None:
    extra = receipt_lines(SATS_BY_FRANCS, use=ReceiptUse.EXTRA, received=913, in_clearing=0)
    assert extra == [
        Line(FLOAT, 913), Line(POSITION_XOF, -913), Line(POSITION_MSAT, 10_007_171), Line(CREDIT, -10_007_171),
    ]  # fmt: skip


def test_parts_credited_lines_give_what_waits_to_the_payer() -> None:
    assert parts_credited_lines(SATS_BY_FRANCS, in_clearing=400) == [
        Line(HELD_XOF, 400), Line(POSITION_XOF, -400), Line(POSITION_MSAT, 4_384_303), Line(CREDIT, -4_384_303),
    ]  # fmt: skip


# Francs that are due


def test_receipt_lines_of_francs_for_francs_convert_only_what_was_not_asked_for() -> None:
    assert complete(FRANCS_BY_FRANCS, 500) == [Line(FLOAT, 500), Line(INCOME, -500)]
    assert complete(FRANCS_BY_FRANCS, 501) == [
        Line(FLOAT, 501), Line(INCOME, -500), Line(POSITION_XOF, -1), Line(POSITION_MSAT, 10_960),
        Line(CREDIT, -10_960),
    ]  # fmt: skip


def test_receipt_lines_of_sats_for_a_price_in_francs_go_through_the_position() -> None:
    assert complete(FRANCS_BY_SATS, 6_250_007) == [
        Line(NODE, 6_250_007),
        Line(POSITION_MSAT, -6_250_000),
        Line(POSITION_XOF, 500),
        Line(INCOME, -500),
        Line(CREDIT, -7),
    ]


# Sats for sats


def test_receipt_lines_of_exact_sats_touch_two_accounts() -> None:
    assert complete(SATS_BY_SATS, 10_000_000) == [Line(NODE, 10_000_000), Line(POT, -10_000_000)]


def test_receipt_lines_of_sats_above_what_is_due_credit_the_rest_to_the_payer() -> None:
    assert complete(SATS_BY_SATS, 10_000_500) == [
        Line(NODE, 10_000_500),
        Line(POT, -10_000_000),
        Line(CREDIT, -500),
    ]


def test_receipt_lines_of_sats_for_a_closed_request_are_all_the_payers() -> None:
    extra = receipt_lines(SATS_BY_SATS, use=ReceiptUse.EXTRA, received=7_000, in_clearing=0)
    assert extra == [Line(NODE, 7_000), Line(CREDIT, -7_000)]


def test_parts_credited_lines_of_sats_convert_nothing() -> None:
    assert parts_credited_lines(SATS_BY_SATS, in_clearing=3) == [Line(HELD_MSAT, 3), Line(CREDIT, -3)]


# Whatever is paid


@given(terms=st.sampled_from(ALL_TERMS), parts=st.lists(st.integers(1, 10**10), min_size=1, max_size=5))
def test_receipt_lines_balance_in_each_currency_and_leave_nothing_in_clearing(
    terms: CollectionTerms, parts: list[int]
) -> None:
    """Pay any parts, then end the collection: what was due is credited once or not at all."""
    booked, in_clearing, is_awaiting = list[Line](), 0, True
    for part in parts:
        use = use_of(
            is_awaiting=is_awaiting, asked=terms.asked.amount, in_clearing=in_clearing, received=part
        )
        booked += receipt_lines(terms, use=use, received=part, in_clearing=in_clearing if is_awaiting else 0)
        in_clearing += part if use is ReceiptUse.PART else 0
        is_awaiting = is_awaiting and use is ReceiptUse.PART
    if is_awaiting:
        booked += parts_credited_lines(terms, in_clearing=in_clearing)

    assert set(differences((line.account.currency, line.amount) for line in booked).values()) == {0}
    assert _sum_of(booked, terms.clearing) == 0
    assert _sum_of(booked, terms.arrives_in) == sum(parts)
    assert _sum_of(booked, terms.credit) == (0 if is_awaiting else -terms.due.amount)
    assert _sum_of(booked, terms.overpaid) <= 0
    assert _sum_of(booked, RESIDUE) <= 0


def _sum_of(lines: list[Line], account: AccountRef) -> int:
    return sum(line.amount for line in lines if line.account == account)
