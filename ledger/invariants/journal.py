"""Transactions balance, their entries fit their accounts, a reversal is the mirror of one transaction."""

from collections.abc import Iterator

from django.db.models import Count, F, Q, Sum

from ledger.invariants.scope import SHOWN, entries, journal_subject, posted_to, transactions
from ledger.models import Account, JournalTransaction
from ledger.models.journal import MAX_AMOUNT
from ledger.queries import lines_by_transaction
from ledger.types import Line
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages


def _transactions_balance(scope: AuditScope) -> Iterator[Breach]:
    sums = entries(scope).order_by().values("transaction", "currency")
    sums = sums.annotate(total=Sum("amount"), lines=Count("id"))
    for row in sums.exclude(total=0, lines__gte=2)[:SHOWN]:
        yield Breach(
            "I01", journal_subject(row["transaction"]),
            f"{row['lines']} lines in {row['currency']} sum to {row['total']}",
        )  # fmt: skip
    for pk in transactions(scope).filter(entries=None).values_list("pk", flat=True)[:SHOWN]:
        yield Breach("I01", journal_subject(pk), "no lines")


def _books_balance(scope: AuditScope) -> Iterator[Breach]:
    sums = entries(scope).order_by().values("currency").annotate(total=Sum("amount"))
    for row in sums.exclude(total=0):
        yield Breach("I01b", f"currency:{row['currency']}", f"all entries sum to {row['total']}")


def _entries_fit_their_accounts(scope: AuditScope) -> Iterator[Breach]:
    misfits = entries(scope).filter(
        ~Q(currency=F("account__currency"))
        | Q(amount=0)
        | Q(amount__gt=MAX_AMOUNT)
        | Q(amount__lt=-MAX_AMOUNT)
    )
    for entry in misfits.select_related("account")[:SHOWN]:
        yield Breach("I02", f"entry:{entry.pk}", f"{entry.amount} {entry.currency} in {entry.account.code}")
    for page in pages(posted_to(Account.objects.all(), scope)):
        for account in page:
            if account.code != account.ref.code:
                yield Breach("I02", f"account:{account.pk}", f"{account.code} is {account.ref.code}")


def _reversals_mirror_once(scope: AuditScope) -> Iterator[Breach]:
    for page in pages(transactions(scope).filter(reverses__isnull=False)):
        reversed_ids = {row.reverses_id for row in page}
        reversals = JournalTransaction.objects.filter(reverses__in=reversed_ids).order_by().values("reverses")
        for found in reversals.annotate(times=Count("id")).filter(times__gt=1):
            yield Breach("I13", journal_subject(found["reverses"]), f"reversed {found['times']} times")
        lines = lines_by_transaction({row.pk for row in page} | reversed_ids)
        for row in page:
            if _amounts(lines.get(row.pk, []), sign=-1) != _amounts(lines.get(row.reverses_id, []), sign=1):
                yield Breach(
                    "I13", journal_subject(row.pk), f"is not the mirror of journal:{row.reverses_id}"
                )


def _amounts(lines: list[Line], *, sign: int) -> list[tuple[str, int]]:
    return sorted((line.account.code, sign * line.amount) for line in lines)


JOURNAL_INVARIANTS = [
    Invariant("I01", "every transaction balances per currency and has two lines", _transactions_balance),
    Invariant("I01b", "the whole books balance per currency", _books_balance),
    Invariant("I02", "entries fit their accounts, amounts are possible", _entries_fit_their_accounts),
    Invariant("I13", "a transaction is reversed at most once, by its mirror", _reversals_mirror_once),
]
