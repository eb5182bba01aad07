"""Interface of a rail, a way to send money: plug-ins named in `settings.RAILS` that write no rows here."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.types import AccountRef
from sunusav.core.deadlines import Deadline
from transfers.errors import RailUnknown
from transfers.types import (
    Destination,
    FindOutcome,
    Instruction,
    Order,
    ProviderPayment,
    Sendable,
    SendOutcome,
    WithdrawalCode,
)


class Rail(Protocol):
    """One way to send money.

    `account` holds the money it sends, `cost_account` takes what sending costs; `send_deadline_seconds` is how long a
    `send` may last at most; `late_by` is how long after its deadline the provider may still accept a send.
    `prepare`, `send`, `find` and `sendable` are called in threads of their own, many at once, and use no database.
    """

    name: str
    account: AccountRef
    cost_account: AccountRef
    send_deadline_seconds: int
    late_by: timedelta
    destination_kinds: tuple[str, ...]

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        """Check a destination without any network; return its reference at the provider, or "" if not known yet.

        Raises: a refusal of kind Invalid that names what is wrong.
        """
        ...

    def payee_of(self, destination: Destination) -> str:
        """Return whom a destination pays (a node, an address, a phone), without any network.

        A payment whose destination became another payee's is deferred. Raises: what `check` refuses as unreadable.
        """
        ...

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Resolve and decode a destination; may query the provider, never pays.

        Raises: RailUnavailable when no payment can go; RailShort when this one cannot; DestinationUnavailable when
        only the recipient's own service is unavailable; refusals of kind Invalid.
        """
        ...

    def send(self, order: Order, *, deadline: Deadline) -> SendOutcome:
        """Pay, unless the deadline has passed: it is compared directly before the bytes leave, and by the provider.

        Raises: RailUnavailable, only if certainly nothing was sent; in every doubt it returns `Unknown`.
        """
        ...

    def find(self, order: Order) -> FindOutcome:
        """Query the outcome of an order. Raises: RailUnavailable."""
        ...

    def verify(self, reference: str, proof: str) -> bool:
        """Return whether a proof fits its reference (a preimage its payment hash)."""
        ...

    def balance(self) -> int:
        """Return what the provider holds for us, as the books should show. Units: msat. Raises: RailUnavailable."""
        ...

    def sendable(self) -> Sendable:
        """Return what the rail can send now. Raises: RailUnavailable."""
        ...

    def needed_msat(self, amount_msat: int) -> int:
        """Return what must be sendable to pay an amount: with the most that sending may cost.

        The difference to the amount never falls as the amount grows. Units: msat.
        """
        ...

    def statement(self) -> Iterable[ProviderPayment]:
        """List what the provider reports as paid, for matching. Raises: RailUnavailable."""
        ...


@cache
def rail(name: str) -> Rail:
    """Return the rail of that name. Raises: RailUnknown."""
    if name not in settings.RAILS:
        raise RailUnknown(rail=name, known_rails=sorted(settings.RAILS))
    loaded: Rail = import_string(settings.RAILS[name])()
    return loaded


def withdrawal_code(name: str, secret: str) -> WithdrawalCode:
    """Return what a person is shown to redeem a withdrawal link by the rail of that name. Raises: RailUnknown."""
    if name not in settings.WITHDRAWAL_CODES:
        raise RailUnknown(rail=name, known_rails=sorted(settings.WITHDRAWAL_CODES))
    make: Callable[[str], WithdrawalCode] = import_string(settings.WITHDRAWAL_CODES[name])
    return make(secret)
