"""Reads of the books and the rates."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.db.models import BigIntegerField, F, Min, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from ledger.calculations import shown_xof_from_sats
from ledger.enums import AccountRole, Currency
from ledger.models import Account, JournalEntry, JournalTransaction
from ledger.rates.current import current_rate, francs_rate, latest_rate_for_record
from ledger.types import AccountRef, Line
from sunusav.core.auditing import pages

# Above every key there will ever be.
NO_TRANSACTION_YET: Final = 2**62

__all__ = [
    "balance",
    "balance_pages",
    "balances",
    "balances_by_owner",
    "bodies_of",
    "current_rate",
    "first_transaction_since",
    "francs_rate",
    "kinds_of",
    "latest_rate_for_record",
    "lines_by_transaction",
    "lines_of",
    "owed",
    "owners_posted_to",
    "reversals_of",
    "shown_xof_from_sats",
    "totals_of",
    "transaction_for",
    "transactions_of_kind",
    "with_balance",
]


def with_balance(accounts: QuerySet[Account]) -> Any:
    """Annotate `balance` (debit positive): the checkpoint and the unsealed tail, read in one statement.

    One statement is one snapshot, also under READ COMMITTED: between two, a sealer could move the tail.
    """
    tail = (
        JournalEntry.objects.filter(
            account=OuterRef("pk"),
            transaction_id__gt=Coalesce(OuterRef("checkpoint__floor"), Value(0)),
            transaction__seal=None,
        )
        .order_by()
        .values("account")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    return accounts.annotate(
        balance=Coalesce(F("checkpoint__amount"), Value(0))
        + Coalesce(Subquery(tail, output_field=BigIntegerField()), Value(0))
    )


def balance(ref: AccountRef) -> int:
    """Return the balance of an account; 0 if it was never used. Units: its currency; debit positive.

    One statement, bounded by the checkpoint's floor; the caller's own unsealed postings count.
    """
    rows = with_balance(Account.objects.filter(code=ref.code))
    row = rows.values_list("balance", flat=True).first()
    return int(row or 0)


def owed(ref: AccountRef) -> int:
    """Return what is owed on an account: its balance, credit positive."""
    return -balance(ref)


def balances(refs: Iterable[AccountRef]) -> dict[AccountRef, int]:
    """Return the balances of several accounts as of one moment, in one statement."""
    wanted = {ref.code: ref for ref in refs}
    rows = with_balance(Account.objects.filter(code__in=wanted)).values_list("code", "balance")
    found = dict(rows)
    return {ref: int(found.get(code, 0)) for code, ref in wanted.items()}


def balances_by_owner(role: AccountRole, currency: Currency) -> dict[str, int]:
    """Return the balances of all accounts of a role, by owner, in one statement."""
    rows = with_balance(Account.objects.filter(role=role, currency=currency))
    return {owner: int(amount) for owner, amount in rows.values_list("owner", "balance")}


def balance_pages(role: AccountRole, currency: Currency) -> Iterator[dict[str, int]]:
    """Yield the balances of all accounts of a role by owner, a page at a time, for the auditor."""
    for page in pages(with_balance(Account.objects.filter(role=role, currency=currency))):
        yield {account.owner: int(account.balance) for account in page}


def owners_posted_to(role: AccountRole, currency: Currency, *, since: datetime) -> list[str]:
    """Return the owners of the accounts of a role that were posted to since a moment."""
    recent = JournalEntry.objects.filter(transaction_id__gte=first_transaction_since(since))
    accounts = Account.objects.filter(
        role=role, currency=currency, pk__in=recent.order_by().values("account")
    )
    return list(accounts.values_list("owner", flat=True))


def lines_of(transaction_id: int) -> list[Line]:
    """Return the lines of a transaction in the order of insertion; none if it does not exist."""
    entries = JournalEntry.objects.filter(transaction_id=transaction_id).select_related("account")
    return [Line(entry.account.ref, entry.amount) for entry in entries.order_by("id")]


def transaction_for(reference: str) -> int | None:
    """Return the id of the transaction booked under a reference, if there is one."""
    return JournalTransaction.objects.filter(reference=reference).values_list("id", flat=True).first()


def bodies_of(
    transactions: Sequence[JournalTransaction],
) -> Iterator[tuple[JournalTransaction, dict[str, Any]]]:
    """Yield each transaction with what its seal covers: all stored columns of it and of its entries."""
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


def lines_by_transaction(transaction_ids: Collection[int]) -> dict[int, list[Line]]:
    """Return the lines of several transactions in the order of insertion, in one statement."""
    entries = JournalEntry.objects.filter(transaction__in=transaction_ids).order_by("id")
    columns = ("transaction_id", "amount", "account__role", "account__currency", "account__owner")
    found: dict[int, list[Line]] = {}
    for transaction_id, amount, *account in entries.values_list(*columns):
        found.setdefault(transaction_id, []).append(Line(_account(*account), amount))
    return found


@lru_cache(maxsize=1_000)
def _account(role: str, currency: str, owner: str) -> AccountRef:
    return AccountRef(AccountRole(role), Currency(currency), owner)


def kinds_of(transaction_ids: Collection[int]) -> dict[int, str]:
    """Return the kind of each of several transactions, in one statement."""
    rows = JournalTransaction.objects.filter(pk__in=transaction_ids)
    return dict(rows.values_list("id", "kind"))


def reversals_of(transaction_ids: Collection[int], *, kind: str) -> dict[int, int]:
    """Return, by reversed transaction, the ids of those transactions of this kind that reverse it, in one statement."""
    rows = JournalTransaction.objects.filter(kind=kind, reverses__in=transaction_ids)
    return {reversed_id: pk for pk, reversed_id in rows.values_list("id", "reverses_id") if reversed_id}


def totals_of(
    transaction_ids: Collection[int], *, roles: Iterable[AccountRole], currency: Currency
) -> dict[int, int]:
    """Return what each transaction moved on accounts of these roles in one currency. Units: its own; debit positive."""
    entries = JournalEntry.objects.filter(
        transaction__in=transaction_ids, account__role__in=list(roles), account__currency=currency
    )
    return dict(entries.order_by().values_list("transaction_id").annotate(total=Sum("amount")))


def transactions_of_kind(kind: str, *, since: datetime | None) -> Iterator[list[int]]:
    """Yield the ids of all transactions of a kind, or of those recorded since a moment, a page at a time."""
    rows = JournalTransaction.objects.filter(kind=kind, pk__gte=first_transaction_since(since))
    for page in pages(rows.only("pk")):
        yield [row.pk for row in page]


def first_transaction_since(moment: datetime | None) -> int:
    """Return the first id recorded since a moment: ids grow with time, so a range of keys is enough."""
    if moment is None:
        return 0
    since = JournalTransaction.objects.filter(recorded_at__gte=moment)
    first = since.aggregate(first=Min("id"))["first"]
    return NO_TRANSACTION_YET if first is None else int(first)
