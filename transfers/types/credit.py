"""A member's credit: its account, and its uses as other apps read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef


@dataclass(frozen=True)
class CreditUseFacts:
    """A use of a member's credit as other apps read it; `returned_at` is None while it is in force."""

    id: int
    owner: str
    subject: str
    amount_msat: int
    into: AccountRef
    used_at: datetime
    transaction_id: int
    returned_at: datetime | None


def member_ref(user_id: str) -> str:
    """Return the owner of a member's credit, under whose key their name and phone are encrypted."""
    return f"member:{user_id}"


def credit_of(user_id: str) -> AccountRef:
    """Return the account of a member's credit."""
    return AccountRef(AccountRole.MEMBER_CREDIT, Currency.MSAT, member_ref(user_id))
