"""The journal lines of each movement of money. Pure. Debits are positive, credits negative."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fees.types import FixedFee
from ledger.enums import AccountRole, Currency
from ledger.queries import msat_from_xof, residue_xof
from ledger.types import AccountRef, Line, Money
from sunusav.core.money import msat_from_sats
from transfers.types.accounts import POSITION_MSAT, POSITION_XOF, partner_reserve

IN_TRANSIT = AccountRef(AccountRole.IN_TRANSIT, Currency.MSAT)
PLATFORM_FEES = AccountRef(AccountRole.PLATFORM_FEE_INCOME, Currency.MSAT)
COMMUNITY_FUND = AccountRef(AccountRole.COMMUNITY_FUND, Currency.MSAT)
ROUNDING = AccountRef(AccountRole.ROUNDING_RESIDUE, Currency.MSAT)


@dataclass(frozen=True)
class Shares:
    """What a net in msat becomes on a rail in francs. They sum to the net.

    `exchanged_msat` is what the francs are worth, `residue_msat` what they leave over; both are rounded down, and what
    that leaves, at most one msat, is `rounding_msat`.
    """

    exchanged_msat: int
    residue_msat: int = 0
    rounding_msat: int = 0


def shares_of(net_msat: int, *, paid: Money, rate_xof_per_btc: Decimal | None) -> Shares:
    """Return what a net becomes when it is paid so; msat, and francs without a rate, are worth all of it."""
    if rate_xof_per_btc is None or paid.currency is Currency.MSAT:
        return Shares(net_msat)
    exchanged_msat = msat_from_xof(paid.amount, rate_xof_per_btc=rate_xof_per_btc)
    left_xof = residue_xof(net_msat, paid_xof=paid.amount, rate_xof_per_btc=rate_xof_per_btc)
    residue_msat = msat_from_xof(left_xof, rate_xof_per_btc=rate_xof_per_btc)
    return Shares(exchanged_msat, residue_msat, net_msat - exchanged_msat - residue_msat)


def hold_lines(*, debit: AccountRef, amount_msat: int) -> list[Line]:
    """Move what is about to be sent from its account into transit."""
    return [Line(debit, amount_msat), Line(IN_TRANSIT, -amount_msat)]


def paid_lines(
    *,
    payout_msat: int,
    fee: FixedFee | None,
    paid: Money,
    cost: Money | None,
    paid_from: AccountRef,
    cost_account: AccountRef,
    residue: AccountRef,
    shares: Shares,
) -> list[Line]:
    """Release what was in transit: what was paid left `paid_from`, the fee goes to its three owners.

    Francs are exchanged for the msat that they are worth, through the currency position. The platform bears the cost
    of sending (routing fee, partner charge): the payee gets the whole net. A cost that is not stated is booked later,
    as a charge on `paid_from`.
    """
    lines = [Line(IN_TRANSIT, payout_msat)]
    if paid.currency is Currency.XOF:
        lines += exchange_lines(shares, residue=residue, paid_xof=paid.amount)
    lines += _sending_lines(paid, cost, paid_from=paid_from, cost_account=cost_account)
    if fee is not None:
        lines += fee_lines(fee)
    return [line for line in lines if line.amount]


def exchange_lines(shares: Shares, *, residue: AccountRef, paid_xof: int) -> list[Line]:
    """Give the msat of a net for whole francs; what they leave over is `residue`'s."""
    return [
        Line(POSITION_MSAT, -shares.exchanged_msat),
        Line(residue, -shares.residue_msat),
        Line(ROUNDING, -shares.rounding_msat),
        Line(POSITION_XOF, paid_xof),
    ]


def reversed_lines(
    *,
    payout_msat: int,
    debit: AccountRef,
    returned: Money,
    arrived_in: AccountRef,
    shares: Shares,
    platform_msat: int,
    taken_back: Sequence[Line],
    returned_cost: int,
    cost_account: AccountRef,
) -> list[Line]:
    """Book money that came back: to the account that it had been taken from, with the fee.

    `taken_back` are the lines of the fund's and the partner's share and of what francs had left over, from the accounts
    that hold it or owe it now. What sending had cost stays the platform's expense, except what came back of it.
    """
    lines = [
        Line(arrived_in, returned.amount + returned_cost),
        Line(cost_account, -returned_cost),
        Line(debit, -payout_msat),
        Line(PLATFORM_FEES, platform_msat),
        *taken_back,
    ]
    if returned.currency is Currency.XOF:
        lines += [
            Line(POSITION_XOF, -returned.amount),
            Line(POSITION_MSAT, shares.exchanged_msat),
            Line(ROUNDING, shares.rounding_msat),
        ]
    return [line for line in lines if line.amount]


def write_off_lines(
    *, paid: Money, cost: Money | None, paid_from: AccountRef, cost_account: AccountRef
) -> list[Line]:
    """Book what was paid beside the books as a loss, and what sending it cost as every other cost."""
    lines = [
        *_sending_lines(paid, cost, paid_from=paid_from, cost_account=cost_account),
        Line(AccountRef(AccountRole.PAYMENT_LOSSES, paid.currency), paid.amount),
    ]
    return [line for line in lines if line.amount]


def _sending_lines(
    paid: Money, cost: Money | None, *, paid_from: AccountRef, cost_account: AccountRef
) -> list[Line]:
    charged = cost.amount if cost is not None else 0
    return [Line(paid_from, -paid.amount - charged), Line(cost_account, charged)]


def fee_lines(fee: FixedFee) -> list[Line]:
    """Credit the fee to platform, community fund and partner reserve."""
    return [
        Line(PLATFORM_FEES, -msat_from_sats(fee.split.platform_sats)),
        Line(COMMUNITY_FUND, -msat_from_sats(fee.split.community_sats)),
        Line(partner_reserve(fee.priced_for.settlement_partner), -msat_from_sats(fee.split.partner_sats)),
    ]
