"""What accounts of the books are called where people read about the treasury."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef
from sunusav.core import phrasing, subjects
from transfers.return_queries import RETURN_PREFIX
from transfers.treasury_booking import ONCHAIN, ONCHAIN_FEES

NAMES: Final[dict[AccountRef, Any]] = {
    ONCHAIN: _("on-chain wallet"),
    ONCHAIN_FEES: _("on-chain fees"),
}
OF_RETURNS: Final = _("money paid back for payment #%(number)s")


def account_name(account: AccountRef) -> str:
    """Return the name of an account: its role, and its owner where there are several."""
    if account in NAMES:
        return str(NAMES[account])
    if account.owner.startswith(RETURN_PREFIX):
        return str(OF_RETURNS) % {"number": account.owner.removeprefix(RETURN_PREFIX)}
    role = phrasing.code_label(account.role)
    return (
        f"{role} ({phrasing.known_label(account.owner) or subjects.label(account.owner)})"
        if account.owner
        else role
    )


def name_of_code(code: str) -> str:
    """Return the name of the account with this code; a text that is no code, unchanged."""
    role, _colon, rest = code.partition(":")
    currency, _colon, owner = rest.partition(":")
    try:
        return account_name(AccountRef(AccountRole(role), Currency(currency), owner))
    except ValueError:
        return code
