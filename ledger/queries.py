"""Reads of the books and the rates."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    Case,
    F,
    Max,
    Min,
    OuterRef,
    QuerySet,
    RowRange,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import Coalesce

from ledger.calculations import msat_from_xof, residue_xof, shown_xof_from_sats, xof_from_msat
from ledger.enums import AccountRole, Currency
from ledger.models import Account, AccountCheckpoint, CurrencyConversion, JournalEntry, JournalTransaction
from ledger.rates.current import current_rate, francs_rate, latest_rate_for_record
from ledger.types import AccountRef, Line, Movement, Receivable, UnusedCredit
from sunusav.core.auditing import pages
from sunusav.core.money import sats_from_msat

# Above every key there will ever be.
NO_TRANSACTION_YET: Final = 2**62

__all__ = [
    "balance",
    "balance_pages",
    "balances",
    "balances_by_owner",
    "balances_of",
    "bodies_of",
    "conversion_id",
    "current_rate",
    "first_transaction_since",
    "francs_now",
    "francs_rate",
    "kinds_of",
    "latest_rate_for_record",
    "lines_by_transaction",
    "lines_of",
    "movements_of",
    "msat_from_xof",
    "open_receivables",
    "outflow",
    "owed",
    "owners_posted_to",
    "rates_of_conversions",
    "residue_xof",
    "reversals_of",
    "shown_xof_from_sats",
    "swept_floor",
    "totals_of",
    "transaction_for",
    "transactions_of_kind",
    "transactions_of_kinds",
    "unused_credits",
    "with_balance",
    "xof_from_msat",
]


def francs_now(amount_msat: int, *, now: datetime) -> Decimal:
    """Return what an amount is worth in francs at the rate of now, as people are shown it.

    Rounding: the amount down to whole sats, then to 0.01 francs, half-even.
    """
    rate = current_rate(now).rate_xof_per_btc
    return shown_xof_from_sats(sats_from_msat(amount_msat), rate_xof_per_btc=rate)


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
    """Return the balances of several accounts as of one moment; 0 for those that were never used."""
    wanted = {ref.code: ref for ref in refs}
    codes = dict(Account.objects.filter(code__in=wanted).values_list("pk", "code"))
    found = {codes[pk]: amount for pk, amount in balances_of(codes).items()}
    return {ref: found.get(code, 0) for code, ref in wanted.items()}


def balances_of(account_ids: Collection[int]) -> dict[int, int]:
    """Return the balance of each of these accounts, debit positive: its checkpoint and its unsealed tail.

    One statement is one snapshot, as in `with_balance`. The floor that it begins at is read before: only with a
    constant does an index find the tails, where a join would read all entries of an account that many payments share.
    """
    floor = swept_floor()
    checkpoints = AccountCheckpoint.objects.filter(account__in=account_ids)
    unsealed = JournalEntry.objects.filter(
        account__in=account_ids, transaction_id__gt=floor, transaction__seal=None
    )
    tails = unsealed.order_by().values_list("account_id").annotate(total=Sum("amount"))
    found = dict.fromkeys(account_ids, 0)
    for account_id, amount in (
        checkpoints.order_by().values_list("account_id", "amount").union(tails, all=True)
    ):
        found[account_id] += int(amount)
    return found


def swept_floor() -> int:
    """Return the floor of the sealer's last pass: every transaction at or below it is sealed."""
    return AccountCheckpoint.objects.aggregate(top=Max("floor"))["top"] or 0


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


def open_receivables() -> list[Receivable]:
    """Return what accounts owe back, the oldest first. There are few at any time."""
    rows = with_balance(Account.objects.filter(role=AccountRole.RECEIVABLE)).filter(balance__gt=0)
    found = [
        Receivable(AccountRef.of_code(row.owner), int(row.balance), _owed_since(row.pk, int(row.balance)))
        for row in rows
    ]
    return sorted(found, key=lambda receivable: (receivable.since, receivable.account.code))


def _owed_since(account_id: int, balance: int) -> datetime:
    """Return when an account last rose from zero, reading its entries from the newest back to that one."""
    entries = JournalEntry.objects.filter(account=account_id).order_by("-transaction_id", "-id")
    opened_at: datetime
    for amount, at in entries.values_list("amount", "transaction__posted_at").iterator():
        opened_at = at
        balance -= amount
        if balance <= 0:
            break
    return opened_at


def unused_credits(role: AccountRole, currency: Currency) -> list[UnusedCredit]:
    """Return the credits of all accounts of a role that are not used up yet, the oldest first, in one statement.

    First in, first out: debits use the oldest credit first, so what an account holds are its newest credits. Only the
    entries of accounts that hold something are read.
    """
    accounts = with_balance(Account.objects.filter(role=role, currency=currency)).filter(balance__lt=0)
    entries = _with_sums(JournalEntry.objects.filter(account__in=accounts.values("pk")))
    # A credit is not used up when those after it come to less than the balance. Both are negative.
    open_ones = entries.filter(credited__gt=F("total") + F("own")).order_by("transaction__posted_at", "id")
    columns = ("account__owner", "transaction_id", "transaction__kind", "transaction__subject")
    rows = open_ones.values_list(*columns, "transaction__posted_at", "amount", "credited", "total")
    return [
        UnusedCredit(owner, min(-amount, int(credited) - amount - int(total)), *booked)
        for owner, *booked, amount, credited, total in rows
        if amount < 0
    ]


def _with_sums(entries: QuerySet[JournalEntry]) -> Any:
    """Annotate each entry's `own` credit, its account's credits from the newest to it, and its account's `total`."""
    own = Case(When(amount__lt=0, then=F("amount")), default=Value(0), output_field=BigIntegerField())
    newest_first = [F("transaction_id").desc(), F("id").desc()]
    account = F("account_id")
    return entries.annotate(
        total=Window(Sum("amount"), partition_by=account),
        credited=Window(
            Sum(own), partition_by=account, order_by=newest_first, frame=RowRange(start=None, end=0)
        ),
        own=own,
    )


def lines_of(transaction_id: int) -> list[Line]:
    """Return the lines of a transaction in the order of insertion; none if it does not exist."""
    entries = JournalEntry.objects.filter(transaction_id=transaction_id).select_related("account")
    return [Line(entry.account.ref, entry.amount) for entry in entries.order_by("id")]


def transaction_for(reference: str) -> int | None:
    """Return the id of the transaction booked under a reference, if there is one."""
    return JournalTransaction.objects.filter(reference=reference).values_list("id", flat=True).first()


def conversion_id(reference: str) -> int:
    """Return the id of a stored conversion."""
    return CurrencyConversion.objects.only("pk").get(reference=reference).pk


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


def movements_of(ref: AccountRef, *, before_id: int | None, limit: int) -> list[Movement]:
    """Return what transactions moved on an account, the newest first: those before this id, where given."""
    entries = JournalEntry.objects.filter(account__code=ref.code)
    if before_id is not None:
        entries = entries.filter(transaction_id__lt=before_id)
    columns = ("transaction_id", "transaction__kind", "transaction__subject", "transaction__posted_at")
    moved = entries.order_by().values_list(*columns).annotate(total=Sum("amount"))
    return [Movement(*row) for row in moved.order_by("-transaction_id")[:limit]]


def kinds_of(transaction_ids: Collection[int]) -> dict[int, str]:
    """Return the kind of each of several transactions, in one statement."""
    rows = JournalTransaction.objects.filter(pk__in=transaction_ids)
    return dict(rows.values_list("id", "kind"))


def rates_of_conversions(conversion_ids: Collection[int]) -> dict[int, Decimal]:
    """Return the rate of each of these conversions, in one statement; none for none."""
    if not conversion_ids:
        return {}
    rows = CurrencyConversion.objects.filter(pk__in=conversion_ids)
    return dict(rows.values_list("pk", "rate__rate_xof_per_btc"))


def reversals_of(transaction_ids: Collection[int], *, kind: str) -> dict[int, int]:
    """Return, by reversed transaction, the ids of those transactions of this kind that reverse it, in one statement."""
    rows = JournalTransaction.objects.filter(kind=kind, reverses__in=transaction_ids)
    return {reversed_id: pk for pk, reversed_id in rows.values_list("id", "reverses_id") if reversed_id}


def kinds_posted_to(role: AccountRole, currency: Currency, *, since: datetime | None) -> set[str]:
    """Return the kinds of the transactions that moved accounts of a role, ever or since a moment."""
    entries = JournalEntry.objects.filter(
        account__role=role, account__currency=currency, transaction_id__gte=first_transaction_since(since)
    )
    return set(entries.order_by().values_list("transaction__kind", flat=True).distinct())


def totals_of(
    transaction_ids: Collection[int], *, roles: Iterable[AccountRole], currency: Currency
) -> dict[int, int]:
    """Return what each transaction moved on accounts of these roles in one currency. Units: its own; debit positive."""
    entries = JournalEntry.objects.filter(
        transaction__in=transaction_ids, account__role__in=list(roles), account__currency=currency
    )
    return dict(entries.order_by().values_list("transaction_id").annotate(total=Sum("amount")))


def outflow(ref: AccountRef, *, kind: str, since: datetime, until: datetime) -> int:
    """Return what transactions of a kind took from an account, recorded from `since` to before `until`.

    Units: its currency.
    """
    taken = JournalEntry.objects.filter(
        account__code=ref.code, amount__lt=0, transaction__kind=kind,
        transaction_id__gte=first_transaction_since(since), transaction_id__lt=first_transaction_since(until),
    )  # fmt: skip
    return -int(taken.aggregate(total=Sum("amount"))["total"] or 0)


def transactions_of_kind(kind: str, *, since: datetime | None) -> Iterator[list[int]]:
    """Yield the ids of all transactions of a kind, or of those recorded since a moment, a page at a time."""
    rows = JournalTransaction.objects.filter(kind=kind, pk__gte=first_transaction_since(since))
    for page in pages(rows.only("pk")):
        yield [row.pk for row in page]


def transactions_of_kinds(kinds: Collection[str], *, since: datetime | None) -> Iterator[list[int]]:
    """Yield the ids of all transactions of several kinds, or of those recorded since a moment, a page at a time."""
    rows = JournalTransaction.objects.filter(kind__in=kinds, pk__gte=first_transaction_since(since))
    for page in pages(rows.only("pk")):
        yield [row.pk for row in page]


def first_transaction_since(moment: datetime | None) -> int:
    """Return the first id recorded since a moment: ids grow with time, so a range of keys is enough."""
    if moment is None:
        return 0
    since = JournalTransaction.objects.filter(recorded_at__gte=moment)
    first = since.aggregate(first=Min("id"))["first"]
    return NO_TRANSACTION_YET if first is None else int(first)
