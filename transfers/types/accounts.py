"""Accounts that apps above name when they have money moved."""

from typing import Final

from ledger.types import AccountRef, AccountRole, Currency

POSITION_MSAT: Final = AccountRef(AccountRole.CURRENCY_POSITION, Currency.MSAT)
POSITION_XOF: Final = AccountRef(AccountRole.CURRENCY_POSITION, Currency.XOF)
BANK: Final = AccountRef(AccountRole.BANK, Currency.XOF)


def partner_reserve(partner: str) -> AccountRef:
    """Return the account in which a settlement partner's share of fees accrues."""
    return AccountRef(AccountRole.PARTNER_RESERVE, Currency.MSAT, partner)
