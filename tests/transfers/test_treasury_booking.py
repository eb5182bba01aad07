"""Lines of movements of the treasury, worked by hand: sums, signs and the account on the other side."""

import pytest

from ledger.calculations import differences
from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core.errors import DomainError
from transfers.enums import TreasuryKind
from transfers.treasury_booking import MAX_AMOUNT, TREASURY_TRANSACTIONS, movement_lines, require_fitting
from transfers.treasury_errors import (
    TreasuryAmountOutOfRange,
    TreasuryCostOutOfRange,
    TreasuryFrancsDoNotFit,
    TreasuryKindNotForAccount,
)
from transfers.types import Movement

K = TreasuryKind
NODE = AccountRef(AccountRole.NODE, Currency.MSAT)
ONCHAIN = AccountRef(AccountRole.BANK, Currency.MSAT, "onchain")
BANK = AccountRef(AccountRole.BANK, Currency.XOF)
WAVE = AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, "wave")
SATS = 1_000


def moved(kind: TreasuryKind, account: AccountRef, amount: int, cost: int, francs: int | None) -> Movement:
    return Movement(kind, account, amount, cost=cost, exchanged_xof=francs)


# Movements, and their lines by the code of the account.
WORKED = [
    # The node opens with 2,000,000 sats in its channels.
    (moved(K.OPENING_BALANCE, NODE, 2_000_000 * SATS, 0, None),
     {"node:msat": 2_000_000_000, "opening_balance:msat": -2_000_000_000}),
    (moved(K.OPENING_BALANCE, BANK, 5_000_000, 0, None),
     {"bank:XOF": 5_000_000, "opening_balance:XOF": -5_000_000}),
    (moved(K.CAPITAL_DEPOSIT, BANK, 750_000, 0, None), {"bank:XOF": 750_000, "opening_balance:XOF:capital": -750_000}),
    (moved(K.CAPITAL_WITHDRAWAL, ONCHAIN, 7, 0, None),
     {"bank:msat:onchain": -7, "opening_balance:msat:capital": 7}),
    # 800,000 F buy 9,990,000 sats that arrive; the exchange sent them for 10,000 sats of on-chain fee.
    (moved(K.BITCOIN_PURCHASE, ONCHAIN, 9_990_000 * SATS, 10_000 * SATS, 800_000),
     {"bank:msat:onchain": 9_990_000_000, "routing_expense:msat:onchain": 10_000_000,
      "currency_position:msat": -10_000_000_000, "currency_position:XOF": 800_000, "bank:XOF": -800_000}),
    # 1,000,000 sats leave the node, 500 of them as fee; the bank receives 79,900 F.
    (moved(K.BITCOIN_SALE, NODE, 1_000_000 * SATS, 500 * SATS, 79_900),
     {"node:msat": -1_000_000_000, "routing_expense:msat:onchain": 500_000,
      "currency_position:msat": 999_500_000, "currency_position:XOF": -79_900, "bank:XOF": 79_900}),
    # A channel of 2,000,000 sats for 1,530 sats of fees: 2,001,530 leave the chain.
    (moved(K.CHANNEL_FUNDING, NODE, 2_000_000 * SATS, 1_530 * SATS, None),
     {"node:msat": 2_000_000_000, "routing_expense:msat:onchain": 1_530_000,
      "bank:msat:onchain": -2_001_530_000}),
    # It closes with 1,400,000 sats on our side, of which 900 are the fee.
    (moved(K.CHANNEL_CLOSING, NODE, 1_400_000 * SATS, 900 * SATS, None),
     {"node:msat": -1_400_000_000, "routing_expense:msat:onchain": 900_000,
      "bank:msat:onchain": 1_399_100_000}),
    # So little was left that all of it became fee: nothing arrives on the chain.
    (moved(K.CHANNEL_CLOSING, NODE, 300_000, 300_000, None),
     {"node:msat": -300_000, "routing_expense:msat:onchain": 300_000}),
    (moved(K.SWAP_IN, NODE, 100_000, 2_000, None),
     {"node:msat": 100_000, "routing_expense:msat:onchain": 2_000, "bank:msat:onchain": -102_000}),
    (moved(K.SWAP_OUT, NODE, 100_000, 2_000, None),
     {"node:msat": -100_000, "routing_expense:msat:onchain": 2_000, "bank:msat:onchain": 98_000}),
    (moved(K.ROUTING_INCOME, NODE, 1_234, 0, None), {"node:msat": 1_234, "routing_expense:msat": -1_234}),
    # Wave gains 500,000 F, for which the bank pays 501,180 F.
    (moved(K.FLOAT_TOP_UP, WAVE, 500_000, 1_180, None),
     {"partner_float:XOF:wave": 500_000, "partner_charges:XOF:wave": 1_180, "bank:XOF": -501_180}),
    # 300,000 F leave Wave, of which the bank receives 297,000 F.
    (moved(K.FLOAT_WITHDRAWAL, WAVE, 300_000, 3_000, None),
     {"partner_float:XOF:wave": -300_000, "partner_charges:XOF:wave": 3_000, "bank:XOF": 297_000}),
    (moved(K.PROVIDER_CHARGE, WAVE, 2_500, 0, None),
     {"partner_float:XOF:wave": -2_500, "partner_charges:XOF:wave": 2_500}),
    (moved(K.PROVIDER_CHARGE, BANK, 5_000, 0, None), {"bank:XOF": -5_000, "partner_charges:XOF:bank": 5_000}),
    (moved(K.PROVIDER_CHARGE, NODE, 4_100, 0, None), {"node:msat": -4_100, "routing_expense:msat": 4_100}),
    (moved(K.PROVIDER_CHARGE, ONCHAIN, 4_100, 0, None),
     {"bank:msat:onchain": -4_100, "routing_expense:msat:onchain": 4_100}),
    (moved(K.SURPLUS, NODE, 3, 0, None), {"node:msat": 3, "opening_balance:msat:differences": -3}),
    (moved(K.SHORTFALL, WAVE, 40, 0, None),
     {"partner_float:XOF:wave": -40, "opening_balance:XOF:differences": 40}),
]  # fmt: skip


@pytest.mark.parametrize(("movement", "expected"), WORKED, ids=[str(row[0].kind) for row in WORKED])
def test_movement_has_these_lines(movement: Movement, expected: dict[str, int]) -> None:
    require_fitting(movement)
    lines = movement_lines(movement)

    assert {line.account.code: line.amount for line in lines} == expected
    assert len(lines) == len(expected)
    sums = differences((line.account.currency, line.amount) for line in lines)
    assert set(sums.values()) == {0}


def test_every_kind_is_worked_and_has_its_own_kind_of_transaction() -> None:
    assert {row[0].kind for row in WORKED} == set(TreasuryKind) == set(TREASURY_TRANSACTIONS)
    assert len(set(TREASURY_TRANSACTIONS.values())) == len(TreasuryKind)


@pytest.mark.parametrize(
    ("movement", "refusal"),
    [
        (Movement(K.CHANNEL_FUNDING, ONCHAIN, 1), TreasuryKindNotForAccount),
        (Movement(K.CHANNEL_FUNDING, WAVE, 1), TreasuryKindNotForAccount),
        (Movement(K.FLOAT_TOP_UP, NODE, 1), TreasuryKindNotForAccount),
        (Movement(K.FLOAT_WITHDRAWAL, BANK, 1), TreasuryKindNotForAccount),
        (Movement(K.BITCOIN_PURCHASE, WAVE, 1, exchanged_xof=1), TreasuryKindNotForAccount),
        (Movement(K.SURPLUS, NODE, 0), TreasuryAmountOutOfRange),
        (Movement(K.SURPLUS, NODE, -1), TreasuryAmountOutOfRange),
        (Movement(K.SURPLUS, NODE, MAX_AMOUNT + 1), TreasuryAmountOutOfRange),
        (Movement(K.SURPLUS, NODE, 5, cost=1), TreasuryCostOutOfRange),
        (Movement(K.CHANNEL_CLOSING, NODE, 5, cost=6), TreasuryCostOutOfRange),
        (Movement(K.CHANNEL_CLOSING, NODE, 5, cost=-1), TreasuryCostOutOfRange),
        (Movement(K.BITCOIN_SALE, NODE, 5), TreasuryFrancsDoNotFit),
        (Movement(K.BITCOIN_SALE, NODE, 5, exchanged_xof=0), TreasuryFrancsDoNotFit),
        (Movement(K.BITCOIN_SALE, NODE, 5, exchanged_xof=-1), TreasuryFrancsDoNotFit),
        (Movement(K.SURPLUS, NODE, 5, exchanged_xof=1), TreasuryFrancsDoNotFit),
        (Movement(K.SURPLUS, NODE, 5, exchanged_xof=0), TreasuryFrancsDoNotFit),
    ],
)
def test_movement_whose_parts_do_not_fit_is_refused(movement: Movement, refusal: type[DomainError]) -> None:
    with pytest.raises(refusal):
        require_fitting(movement)
