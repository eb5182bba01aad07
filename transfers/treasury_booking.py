"""The journal lines of movements of the treasury, and what does not fit together. Pure.

Debits are positive, credits negative. Units: the currency of each account.
"""

from collections.abc import Iterator
from typing import Final

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Line
from sunusav.core.money import MAX_SATS, MSAT_PER_SAT
from transfers.enums import (
    EXCHANGE_KINDS,
    FLOAT_KINDS,
    GAINING_KINDS,
    KINDS_WITH_COST,
    NODE_KINDS,
    TreasuryKind,
)
from transfers.treasury_errors import (
    TreasuryAmountOutOfRange,
    TreasuryCostOutOfRange,
    TreasuryFrancsDoNotFit,
    TreasuryKindNotForAccount,
)
from transfers.types import Movement
from transfers.types.accounts import BANK

# Bitcoin of ours that is in no channel.
ONCHAIN: Final = AccountRef(AccountRole.BANK, Currency.MSAT, "onchain")
# Half of what one line of the books may hold, so that amount and cost together fit.
MAX_AMOUNT: Final = MAX_SATS * MSAT_PER_SAT // 2
ONCHAIN_FEES: Final = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT, "onchain")
ROUTING: Final = AccountRef(AccountRole.ROUTING_EXPENSE, Currency.MSAT)
OWNERS_OF_EQUITY: Final = {
    TreasuryKind.OPENING_BALANCE: "",
    TreasuryKind.CAPITAL_DEPOSIT: "capital",
    TreasuryKind.CAPITAL_WITHDRAWAL: "capital",
    TreasuryKind.SURPLUS: "differences",
    TreasuryKind.SHORTFALL: "differences",
}
# The kinds of the journal's transactions.
TREASURY_TRANSACTIONS: Final = {
    TreasuryKind.OPENING_BALANCE: "treasury_opening_balance",
    TreasuryKind.CAPITAL_DEPOSIT: "treasury_capital_deposit",
    TreasuryKind.CAPITAL_WITHDRAWAL: "treasury_capital_withdrawal",
    TreasuryKind.BITCOIN_PURCHASE: "treasury_bitcoin_purchase",
    TreasuryKind.BITCOIN_SALE: "treasury_bitcoin_sale",
    TreasuryKind.CHANNEL_FUNDING: "treasury_channel_funding",
    TreasuryKind.CHANNEL_CLOSING: "treasury_channel_closing",
    TreasuryKind.SWAP_IN: "treasury_swap_in",
    TreasuryKind.SWAP_OUT: "treasury_swap_out",
    TreasuryKind.ROUTING_INCOME: "treasury_routing_income",
    TreasuryKind.FLOAT_TOP_UP: "treasury_float_top_up",
    TreasuryKind.FLOAT_WITHDRAWAL: "treasury_float_withdrawal",
    TreasuryKind.PROVIDER_CHARGE: "treasury_provider_charge",
    TreasuryKind.SURPLUS: "treasury_surplus",
    TreasuryKind.SHORTFALL: "treasury_shortfall",
}


def bank_line(reference: str) -> str:
    """Return the reference in the journal of a line of a bank's statement that an app above books."""
    return f"bank_line:{reference}"


def require_fitting(movement: Movement) -> None:
    """Refuse a movement whose parts do not fit together.

    Raises: TreasuryKindNotForAccount, TreasuryAmountOutOfRange, TreasuryCostOutOfRange, TreasuryFrancsDoNotFit.
    """
    kind, account = movement.kind, movement.account
    if not _is_for(kind, account):
        raise TreasuryKindNotForAccount(kind=kind.value, treasury_account=account.code)
    if not 0 < movement.amount <= MAX_AMOUNT:
        raise TreasuryAmountOutOfRange(amount=movement.amount, maximum=MAX_AMOUNT)
    maximum = _highest_cost(movement)
    if not 0 <= movement.cost <= maximum:
        raise TreasuryCostOutOfRange(kind=kind.value, cost=movement.cost, maximum=maximum)
    francs = movement.exchanged_xof
    is_priced = francs is not None and 0 < francs <= MAX_AMOUNT
    if is_priced != (kind in EXCHANGE_KINDS) or (francs is not None and not is_priced):
        raise TreasuryFrancsDoNotFit(kind=kind.value, exchanged_xof=francs)


def _is_for(kind: TreasuryKind, account: AccountRef) -> bool:
    if kind in NODE_KINDS:
        return account.role is AccountRole.NODE
    if kind in FLOAT_KINDS:
        return account.role is AccountRole.PARTNER_FLOAT and account.currency is Currency.XOF
    return kind not in EXCHANGE_KINDS or account.currency is Currency.MSAT


def _highest_cost(movement: Movement) -> int:
    if movement.kind not in KINDS_WITH_COST:
        return 0
    return MAX_AMOUNT if movement.kind in GAINING_KINDS else movement.amount


def movement_lines(movement: Movement) -> list[Line]:
    """Return the lines of a movement: its account, what it cost, and the other side."""
    own = movement.change
    lines = [
        Line(movement.account, own),
        Line(cost_account(movement), movement.cost),
        *_other_side(movement, -own - movement.cost),
    ]
    return [line for line in lines if line.amount]


def cost_account(movement: Movement) -> AccountRef:
    """Return the account of what a movement costs: on-chain fees, or charges of the float's partner or of the bank."""
    account = movement.account
    if account.currency is Currency.XOF:
        owner = account.owner if account.role is AccountRole.PARTNER_FLOAT else "bank"
        return AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, owner)
    is_routing = account.role is AccountRole.NODE and movement.kind not in KINDS_WITH_COST
    return ROUTING if is_routing else ONCHAIN_FEES


def other_account(movement: Movement) -> AccountRef:
    """Return the account on the other side, which gains what this one loses: for bitcoin against francs, the bank."""
    kind, account = movement.kind, movement.account
    if kind in OWNERS_OF_EQUITY:
        return AccountRef(AccountRole.OPENING_BALANCE, account.currency, OWNERS_OF_EQUITY[kind])
    if kind in (TreasuryKind.ROUTING_INCOME, TreasuryKind.PROVIDER_CHARGE):
        return cost_account(movement)
    return ONCHAIN if kind in NODE_KINDS else BANK


def _other_side(movement: Movement, amount: int) -> Iterator[Line]:
    """Yield the lines that balance the account and the cost. Units: `amount` in the account's currency."""
    if movement.exchanged_xof is None:
        yield Line(other_account(movement), amount)
        return
    paid_xof = movement.exchanged_xof if movement.kind in GAINING_KINDS else -movement.exchanged_xof
    yield Line(AccountRef(AccountRole.CURRENCY_POSITION, movement.account.currency), amount)
    yield Line(AccountRef(AccountRole.CURRENCY_POSITION, Currency.XOF), paid_xof)
    yield Line(BANK, -paid_xof)
