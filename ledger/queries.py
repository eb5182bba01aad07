"""Reading the books and the rates."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import Sum

from ledger.calculations import shown_xof_from_sats
from ledger.enums import AccountRole, Currency
from ledger.models import Account, JournalEntry, JournalTransaction
from ledger.rates.current import current_rate, francs_rate, latest_rate_for_record
from ledger.types import AccountRef, Line

__all__ = [
    "balance",
    "balances",
    "balances_by_owner",
    "bodies_of",
    "current_rate",
    "francs_rate",
    "latest_rate_for_record",
    "lines_of",
    "owed",
    "reversals_by_transaction",
    "shown_xof_from_sats",
    "totals_by_transaction",
    "transaction_for",
]


def balance(ref: AccountRef) -> int:
    """Return what an account holds; 0 if it was never used. *Units*: its currency; debit positive.

    One statement, bounded by the checkpoint's floor; the caller's own unsealed postings count.
    """
    row = Account.objects.filter(code=ref.code).with_balance().values_list("balance", flat=True).first()
    return int(row or 0)


def owed(ref: AccountRef) -> int:
    """Return what we owe on an account: the balance with its credit side positive."""
    return -balance(ref)


def balances(refs: Iterable[AccountRef]) -> dict[AccountRef, int]:
    """Return the balances of several accounts as of one moment, in one statement."""
    wanted = {ref.code: ref for ref in refs}
    rows = Account.objects.filter(code__in=wanted).with_balance().values_list("code", "balance")
    found = dict(rows)
    return {ref: int(found.get(code, 0)) for code, ref in wanted.items()}


def balances_by_owner(role: AccountRole, currency: Currency) -> dict[str, int]:
    """Return the balances of all accounts of a role, by owner, in one statement."""
    rows = Account.objects.filter(role=role, currency=currency).with_balance()
    return {owner: int(amount) for owner, amount in rows.values_list("owner", "balance")}


def lines_of(transaction_id: int) -> list[Line]:
    """Return the lines of a transaction in the order they were written; none if it does not exist."""
    entries = JournalEntry.objects.filter(transaction_id=transaction_id).select_related("account")
    return [Line(entry.account.ref, entry.amount) for entry in entries.order_by("id")]


def transaction_for(reference: str) -> int | None:
    """Return the id of the transaction booked under a reference, if there is one."""
    return JournalTransaction.objects.filter(reference=reference).values_list("id", flat=True).first()


def bodies_of(
    transactions: Sequence[JournalTransaction],
) -> Iterator[tuple[JournalTransaction, dict[str, Any]]]:
    """Yield each transaction with what its seal covers: every stored fact of it and of its entries."""
    entries: dict[int, list[list[Any]]] = {row.pk: [] for row in transactions}
    rows = JournalEntry.objects.filter(transaction__in=entries).order_by("id")
    for entry_id, transaction_id, code, currency, amount in rows.values_list(
        "id", "transaction_id", "account__code", "currency", "amount"
    ):
        entries[transaction_id].append([entry_id, code, currency, amount])
    for row in transactions:
        yield row, {
            "id": row.pk, "kind": row.kind, "reference": row.reference, "subject": row.subject,
            "posted_at": row.posted_at.isoformat(), "recorded_at": row.recorded_at.isoformat(),
            "reverses": row.reverses_id, "entries": entries[row.pk],
        }  # fmt: skip


def reversals_by_transaction(kind: str) -> dict[int, int | None]:
    """Return the ids of all transactions of a kind, each with the id it reverses, if any."""
    rows = JournalTransaction.objects.filter(kind=kind)
    return dict(rows.values_list("id", "reverses_id").iterator())


def totals_by_transaction(roles: Iterable[AccountRole]) -> dict[int, int]:
    """Return what each transaction moved on accounts of these roles. *Units*: as booked; debit positive."""
    entries = JournalEntry.objects.filter(account__role__in=list(roles))
    return dict(entries.values_list("transaction_id").annotate(total=Sum("amount")).iterator())
