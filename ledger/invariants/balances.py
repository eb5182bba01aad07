"""Neither what we owe nor what is owed back to us is negative, and checkpoints are sums of sealed entries."""

from collections.abc import Iterator

from django.db.models import F, Sum

from ledger.enums import LIABILITY_ROLES, AccountRole
from ledger.invariants.scope import SHOWN, entries, journal_subject, posted_to
from ledger.models import Account, AccountCheckpoint, JournalEntry
from ledger.queries import with_balance
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages


def _liabilities_are_not_negative(scope: AuditScope) -> Iterator[Breach]:
    # Reads checkpoints: I19 proves that they are right.
    liabilities = posted_to(Account.objects.filter(role__in=LIABILITY_ROLES), scope)
    for account in with_balance(liabilities).filter(balance__gt=0)[:SHOWN]:
        yield Breach("I11", f"account:{account.code}", f"owes {-account.balance} {account.currency}")


def _receivables_are_not_negative(scope: AuditScope) -> Iterator[Breach]:
    receivables = posted_to(Account.objects.filter(role=AccountRole.RECEIVABLE), scope)
    for account in with_balance(receivables).filter(balance__lt=0)[:SHOWN]:
        yield Breach("I11", f"account:{account.code}", f"is owed {account.balance} {account.currency}")


def _checkpoints_are_sums(scope: AuditScope) -> Iterator[Breach]:
    if scope.since is not None:
        return  # reads every sealed entry: the full audit does it once a night
    for accounts in pages(Account.objects.all()):
        sealed = JournalEntry.objects.filter(account__in=accounts, transaction__seal__isnull=False)
        sums = dict(sealed.order_by().values_list("account").annotate(total=Sum("amount")))
        checkpoints = AccountCheckpoint.objects.in_bulk([account.pk for account in accounts])
        for account in accounts:
            detail = _difference(checkpoints.get(account.pk), sums.get(account.pk))
            if detail:
                yield Breach("I19", f"account:{account.code}", detail)


def _difference(checkpoint: AccountCheckpoint | None, sealed_sum: int | None) -> str:
    """Return how a checkpoint differs from the sum of its account's sealed entries; "" if it does not."""
    if checkpoint is None:
        return "" if sealed_sum is None else f"no checkpoint, sealed entries {sealed_sum}"
    if checkpoint.amount != (sealed_sum or 0):
        return f"checkpoint {checkpoint.amount}, sealed entries {sealed_sum or 0}"
    return ""


def _nothing_unsealed_below_a_floor(scope: AuditScope) -> Iterator[Breach]:
    """Find unsealed entries at or below their account's floor: no balance counts them."""
    hidden = entries(scope).filter(
        transaction__seal=None, account__checkpoint__floor__gte=F("transaction_id")
    )
    for entry in hidden[:SHOWN]:
        yield Breach(
            "I19", journal_subject(entry.transaction_id),
            f"unsealed below the floor of account {entry.account_id}",
        )  # fmt: skip


BALANCE_INVARIANTS = [
    Invariant("I11", "liabilities are never negative", _liabilities_are_not_negative),
    Invariant("I11", "no more is repaid than was owed back", _receivables_are_not_negative),
    Invariant("I19", "checkpoints are the sums of sealed entries", _checkpoints_are_sums),
    Invariant("I19", "no unsealed transaction is below a floor", _nothing_unsealed_below_a_floor),
]
