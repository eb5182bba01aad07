"""What all rails to a phone have in common: the destination, the accounts, the most that a payment may cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from ledger.enums import AccountRole, Currency
from ledger.types import AccountRef, Money, xof
from partners.phones import Phone, read_phone
from partners.wire import PartnerError
from transfers.errors import DestinationKindUnsupported, RailUnavailable
from transfers.types import Destination, Instruction

PHONE = "phone"


def float_of(partner: str) -> AccountRef:
    """Return the account of what a partner holds for us."""
    return AccountRef(AccountRole.PARTNER_FLOAT, Currency.XOF, partner)


def charges_of(partner: str) -> AccountRef:
    """Return the account of what a partner charges us."""
    return AccountRef(AccountRole.PARTNER_CHARGES, Currency.XOF, partner)


class PhoneRail(ABC):
    """A rail in whole francs to a phone. A partner's rail adds `prepare`, `send`, `find` and what its account holds."""

    name: str
    account: AccountRef
    cost_account: AccountRef
    destination_kinds: tuple[str, ...] = (PHONE,)
    has_statement = True
    states_cost = True
    # The most that a partner may charge on top of an amount: it is kept available, and no more is expected.
    cost_limit_francs: ClassVar[int] = 100
    cost_limit_percent: ClassVar[int] = 2

    def __init_subclass__(cls) -> None:
        """Name the accounts after the partner."""
        cls.account, cls.cost_account = float_of(cls.name), charges_of(cls.name)

    @property
    @abstractmethod
    def countries(self) -> tuple[str, ...]:
        """The countries whose phones our account at the partner can pay."""

    @property
    def account_shown(self) -> str:
        """Our account at the partner as people see it, masked; empty where this process does not know it."""
        return ""

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        """Check the phone; its reference is made by `prepare`.

        Raises: DestinationKindUnsupported, PhoneUnreadable, PhoneNotOfPartner, PhoneNotMobile.
        """
        self.phone_in(instruction.destination)
        return ""

    def payee_of(self, destination: Destination) -> str:
        """Return the phone that is paid, in one form. Raises: as `check`."""
        return f"phone:{self.phone_in(destination).e164}"

    def needed(self, amount: Money) -> Money:
        """Return the amount with the most that sending it may cost."""
        return xof(amount.amount + self.cost_limit(amount).amount)

    def cost_limit(self, amount: Money) -> Money:
        """Return the most that sending may cost. Rounding: up."""
        return xof(self.cost_limit_francs - -amount.amount * self.cost_limit_percent // 100)

    def phone_in(self, destination: Destination) -> Phone:
        """Return the phone of a destination. Raises: as `check`."""
        if destination.kind not in self.destination_kinds:
            raise DestinationKindUnsupported(
                rail=self.name, kind=destination.kind, supported_kinds=list(self.destination_kinds)
            )
        return read_phone(destination.value, rail=self.name, countries=self.countries)

    @contextmanager
    def unavailable_on_error(self) -> Iterator[None]:
        """Raise RailUnavailable for a call that got no usable answer and cannot have paid."""
        try:
            yield
        except PartnerError as error:
            raise self.unavailable(error) from error

    def unavailable(self, error: PartnerError) -> RailUnavailable:
        return RailUnavailable(rail=self.name, detail=f"{type(error).__name__}: {error}"[:500])
