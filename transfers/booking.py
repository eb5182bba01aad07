"""The journal lines of each movement of money. Pure. Debits are positive, credits negative. Units: msat."""

from fees.types import FixedFee
from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Line
from sunusav.core.money import msat_from_sats

IN_TRANSIT = AccountRef(AccountRole.IN_TRANSIT, Currency.MSAT)
PLATFORM_FEES = AccountRef(AccountRole.PLATFORM_FEE_INCOME, Currency.MSAT)
COMMUNITY_FUND = AccountRef(AccountRole.COMMUNITY_FUND, Currency.MSAT)


def partner_reserve(partner: str) -> AccountRef:
    """Return the account in which a settlement partner's share of fees accrues."""
    return AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, partner)


def hold_lines(*, debit: AccountRef, amount_msat: int) -> list[Line]:
    """Move what is about to be sent from its account into transit."""
    return [Line(debit, amount_msat), Line(IN_TRANSIT, -amount_msat)]


def paid_lines(
    *,
    payout_msat: int,
    net_msat: int,
    fee: FixedFee | None,
    cost_msat: int,
    paid_from: AccountRef,
    cost: AccountRef,
) -> list[Line]:
    """Release what was in transit: the net left `paid_from`, the fee goes to its three owners.

    The platform bears the cost of sending (routing fee, partner charge): the winner gets the whole net.
    """
    lines = [Line(IN_TRANSIT, payout_msat), Line(paid_from, -net_msat - cost_msat), Line(cost, cost_msat)]
    if fee is not None:
        lines += fee_lines(fee)
    return [line for line in lines if line.amount]


def fee_lines(fee: FixedFee) -> list[Line]:
    """Credit the fee to platform, community fund and partner reserve."""
    return [
        Line(PLATFORM_FEES, -msat_from_sats(fee.split.platform_sats)),
        Line(COMMUNITY_FUND, -msat_from_sats(fee.split.community_sats)),
        Line(partner_reserve(fee.priced_for.settlement_partner), -msat_from_sats(fee.split.partner_sats)),
    ]


def receipt_lines(
    *, received_msat: int, due_msat: int, arrived_in: AccountRef, credit: AccountRef, overpaid: AccountRef
) -> list[Line]:
    """Credit what was due to `credit`, and what exceeds it to the payer."""
    credited = min(received_msat, max(due_msat, 0))
    lines = [
        Line(arrived_in, received_msat),
        Line(credit, -credited),
        Line(overpaid, credited - received_msat),
    ]
    return [line for line in lines if line.amount]
