"""What a rail is: a way money leaves. Plug-ins named in `settings.RAILS`; they write nothing here."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from ledger.types import AccountRef
from transfers.errors import RailUnknown
from transfers.types import (
    Destination,
    FindOutcome,
    Instruction,
    Order,
    ProviderPayment,
    SendOutcome,
    WithdrawalCode,
)


class Rail(Protocol):
    """One way to send money.

    `account` holds the money it sends, `cost_account` takes what sending costs; `send_deadline_seconds` bounds how
    long a `send` may still be under way after it began. `prepare`, `send` and `find` are called in threads of their
    own, many at once, and use no database.
    """

    name: str
    account: AccountRef
    cost_account: AccountRef
    send_deadline_seconds: int
    destination_kinds: tuple[str, ...]

    def check(self, instruction: Instruction, *, now: datetime) -> str:
        """Judge a destination without any network; return the reference it will have, or "" if not known yet.

        Raises: a refusal of kind Invalid that names what is wrong.
        """
        ...

    def payee_of(self, destination: Destination) -> str:
        """Name whom a destination pays (a node, an address, a phone), without any network.

        A destination that names another payee than the last one waits. Raises: what `check` refuses as unreadable.
        """
        ...

    def prepare(self, instruction: Instruction, *, now: datetime) -> Order:
        """Resolve and decode; may ask the outside, never pays.

        Raises: RailUnavailable; DestinationUnavailable when only the recipient's own service is away; refusals of kind
        Invalid.
        """
        ...

    def send(self, order: Order, *, now: datetime) -> SendOutcome:
        """Pay. Raises: RailUnavailable, only when certainly nothing was sent; every doubt is `Unknown`."""
        ...

    def find(self, order: Order) -> FindOutcome:
        """Ask what became of an order. Raises: RailUnavailable."""
        ...

    def verify(self, reference: str, proof: str) -> bool:
        """Say whether a proof fits its reference (a preimage its payment hash)."""
        ...

    def balance(self) -> int:
        """Return what the rail could send now, in msat. Raises: RailUnavailable."""
        ...

    def statement(self) -> Iterable[ProviderPayment]:
        """List what the outside says it paid, for matching. Raises: RailUnavailable."""
        ...


@cache
def rail(name: str) -> Rail:
    """Return the rail of that name. Raises: RailUnknown."""
    if name not in settings.RAILS:
        raise RailUnknown(rail=name, known_rails=sorted(settings.RAILS))
    loaded: Rail = import_string(settings.RAILS[name])()
    return loaded


def withdrawal_code(name: str, secret: str) -> WithdrawalCode:
    """Return what a winner is shown to claim a withdrawal by the rail of that name. Raises: RailUnknown."""
    if name not in settings.WITHDRAWAL_CODES:
        raise RailUnknown(rail=name, known_rails=sorted(settings.WITHDRAWAL_CODES))
    make: Callable[[str], WithdrawalCode] = import_string(settings.WITHDRAWAL_CODES[name])
    return make(secret)
