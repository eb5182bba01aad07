"""Accounts that several callers spend from at once, and what is owed back where a reversal found too little.

Who spends from an account locks it first and reads its balance after that. Who pays in needs no lock.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from ledger.calculations import held_on, repayment, split_taken_back
from ledger.enums import KIND_OF_ROLE, LIABILITY_ROLES, RECEIVABLE_REPAID
from ledger.errors import AccountShort
from ledger.models import JournalEntry
from ledger.queries import balances, open_receivables
from ledger.services.posting import post
from ledger.types import AccountRef, Line, credit, debit
from sunusav.core.locks import lock
from sunusav.core.transactions import retried_on_deadlock


@dataclass(frozen=True)
class _Holding:
    """What an account holds after it has repaid what it can. Units: its currency."""

    amount: int
    repaid: int


def require_owed(needed: Mapping[AccountRef, int], *, now: datetime) -> None:
    """Require that each account holds what is needed from it, under its lock until the caller's transaction ends.

    What an account owes back is repaid first, so that nobody spends it. The caller posts in the same transaction.
    Units: each account's own currency. Raises: AccountShort.
    """
    held = _lock_and_repay(needed, now=now)
    for account, amount in _in_order(needed):
        available = held[account].amount
        if available < amount:
            raise AccountShort(
                account=account.code, currency=str(account.currency), needed=amount, available=available
            )


def take_back(amounts: Mapping[AccountRef, int]) -> list[Line]:
    """Return the debits that take amounts back from accounts of what is owed, under their locks, none below zero.

    What an account no longer holds becomes a receivable, which its next accruals repay. The caller posts the lines in
    the same transaction, before it takes back again. Units: each account's own currency.
    """
    _lock(amounts)
    found = balances(amounts)
    lines = []
    for account, amount in _in_order(amounts):
        assert account.role in LIABILITY_ROLES, "only what is owed is taken back"  # noqa: S101  (a programmer's mistake)
        from_account, owed_back = split_taken_back(amount, held=_held(account, found[account]))
        lines += [debit(account, from_account), debit(account.receivable, owed_back)]
    return [line for line in lines if line.amount]


@retried_on_deadlock
def repay_receivable(account: AccountRef, *, now: datetime) -> int:
    """Move what an account holds to what it owes back; return the amount, in its currency."""
    with transaction.atomic():
        return _lock_and_repay([account], now=now)[account].repaid


def repay_receivables(*, now: datetime) -> int:
    """Repay what can be repaid by every account that owes something back; return how many repaid anything."""
    owing = [receivable.account for receivable in open_receivables()]
    return sum(1 for account in owing if repay_receivable(account, now=now))


def _lock(accounts: Iterable[AccountRef]) -> None:
    lock(*(f"account:{account.code}" for account in accounts))


def _in_order(amounts: Mapping[AccountRef, int]) -> list[tuple[AccountRef, int]]:
    return sorted(amounts.items(), key=lambda item: item[0].code)


def _held(account: AccountRef, balance: int) -> int:
    return held_on(KIND_OF_ROLE[account.role], balance)


def _lock_and_repay(accounts: Collection[AccountRef], *, now: datetime) -> dict[AccountRef, _Holding]:
    """Lock accounts, read them and what they owe back in one statement, and repay."""
    _lock(accounts)
    found = balances([*accounts, *(account.receivable for account in accounts)])
    holdings = {}
    for account in accounts:
        held = _held(account, found[account])
        repaid = repayment(held=held, owed_back=found[account.receivable])
        if repaid:
            _book_repayment(account, repaid, now=now)
        holdings[account] = _Holding(held - repaid, repaid)
    return holdings


def _book_repayment(account: AccountRef, amount: int, *, now: datetime) -> None:
    """Book a repayment under the last transaction of the receivable: none is booked twice on the same state of it."""
    owed_back = account.receivable
    entries = JournalEntry.objects.filter(account__code=owed_back.code).order_by("-transaction_id")
    last_id, account_id = entries.values_list("transaction_id", "account_id")[0]
    post(
        kind=RECEIVABLE_REPAID, reference=f"repay:{account_id}:{last_id}", at=now, subject=f"account:{account.code}",
        lines=[debit(account, amount), credit(owed_back, amount)],
    )  # fmt: skip
