"""A withdrawal link: what a person is shown, and what other apps read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from transfers.enums import WithdrawalState
from transfers.types.disbursements import Failure, SealedDestination


@dataclass(frozen=True)
class WithdrawalCode:
    """What a person is shown to redeem a withdrawal link: `text` to scan, `link` to tap. Both contain its secret."""

    text: str = field(repr=False)
    link: str = field(repr=False)


@dataclass(frozen=True)
class OpenedWithdrawal:
    """A withdrawal link that was just opened: its secret is known only now."""

    secret: str = field(repr=False)
    amount_msat: int
    expires_at: datetime


@dataclass(frozen=True)
class WithdrawalFacts:
    """A withdrawal link as other apps read it. `destination` is the one its first redeemer named."""

    id: int
    subject: str
    state: str
    amount_msat: int
    opened_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None
    destination: SealedDestination | None
    disbursement_id: int | None
    failure: Failure

    def state_at(self, moment: datetime) -> str:
        """Return the state at a moment: a link past its time is expired, even before it is closed as expired."""
        is_expired = self.state == WithdrawalState.OPEN and self.expires_at <= moment
        return WithdrawalState.EXPIRED.value if is_expired else self.state
