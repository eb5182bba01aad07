"""Interface of a rail, a way to send money: plug-ins named in `settings.RAILS` that write no rows here."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.types import AccountRef, Money
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
    """One way to send money, in the currency of `account`.

    `account` holds the money it sends, `cost_account` takes what sending costs, in the same currency;
    `send_deadline_seconds` is how long a `send` may last at most; `late_by` is how long after its deadline the provider
    may still accept a send; `search_window` is how long after a send its absence at the provider proves nothing: where
    the provider does not pay one reference once, or does not show at once what it acknowledged. `has_statement`:
    the provider lists its payments; `states_cost`: it says what each cost. `prepare`, `send`, `find`, `sendable` and
    `balance` are called in threads of their own, many at once, and use no database.
    """

    name: str
    account: AccountRef
    cost_account: AccountRef
    send_deadline_seconds: int
    late_by: timedelta
    search_window: timedelta
    has_statement: bool
    states_cost: bool
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

    def balance(self) -> Money:
        """Return what the provider holds for us, as the books should show, without what is under way.

        Raises: RailUnavailable.
        """
        ...

    def sendable(self) -> Sendable:
        """Return what the rail can send now. Raises: RailUnavailable."""
        ...

    def needed(self, amount: Money) -> Money:
        """Return what must be sendable to pay an amount: with the most that sending may cost.

        The difference to the amount never falls as the amount grows.
        """
        ...

    def statement(self) -> Iterable[ProviderPayment]:
        """List what the provider reports as paid, for matching; never called without `has_statement`.

        Raises: RailUnavailable.
        """
        ...


@cache
def rail(name: str) -> Rail:
    """Return the rail of that name. Raises: RailUnknown."""
    if name not in settings.RAILS:
        raise RailUnknown(rail=name, known_rails=sorted(settings.RAILS))
    loaded: Rail = import_string(settings.RAILS[name])()
    return loaded


def rails_with_statement() -> list[str]:
    """Return the names of the rails whose provider lists its payments, so that they can be matched."""
    return [name for name in settings.RAILS if rail(name).has_statement]


def withdrawal_code(name: str, secret: str) -> WithdrawalCode:
    """Return what a person is shown to redeem a withdrawal link by the rail of that name. Raises: RailUnknown."""
    if name not in settings.WITHDRAWAL_CODES:
        raise RailUnknown(rail=name, known_rails=sorted(settings.WITHDRAWAL_CODES))
    make: Callable[[str], WithdrawalCode] = import_string(settings.WITHDRAWAL_CODES[name])
    return make(secret)
