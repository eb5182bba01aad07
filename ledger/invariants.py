"""What must always hold of the books and the rates. Codes follow `reference/reliability.md` section 3."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Q, Sum

from ledger.enums import LIABILITY_ROLES
from ledger.models import (
    Account,
    AccountCheckpoint,
    CurrencyConversion,
    ExchangeRate,
    JournalEntry,
    JournalTransaction,
)
from ledger.models.journal import MAX_AMOUNT
from ledger.queries import first_transaction_since, lines_by_transaction, with_balance
from ledger.rates.current import FRESH_FOR
from ledger.schema import missing_rules, missing_triggers
from ledger.services.conversions import expected_amounts
from ledger.services.sealing import verify_books
from ledger.types import Line
from sunusav.core.auditing import AuditScope, Breach, Invariant, pages

UNSEALED_FOR_LONG = timedelta(minutes=5)
# Enough to understand a breach; a broken import must not fill the screen.
SHOWN = 100


def _transactions_balance(scope: AuditScope) -> Iterator[Breach]:
    sums = _entries(scope).order_by().values("transaction", "currency")
    sums = sums.annotate(total=Sum("amount"), lines=Count("id"))
    for row in sums.exclude(total=0, lines__gte=2)[:SHOWN]:
        yield Breach(
            "I01", _journal(row["transaction"]),
            f"{row['lines']} lines in {row['currency']} sum to {row['total']}",
        )  # fmt: skip
    for pk in _transactions(scope).filter(entries=None).values_list("pk", flat=True)[:SHOWN]:
        yield Breach("I01", _journal(pk), "no lines")


def _books_balance(scope: AuditScope) -> Iterator[Breach]:
    sums = _entries(scope).order_by().values("currency").annotate(total=Sum("amount"))
    for row in sums.exclude(total=0):
        yield Breach("I01b", f"currency:{row['currency']}", f"all entries sum to {row['total']}")


def _entries_fit_their_accounts(scope: AuditScope) -> Iterator[Breach]:
    odd = _entries(scope).filter(
        ~Q(currency=F("account__currency"))
        | Q(amount=0)
        | Q(amount__gt=MAX_AMOUNT)
        | Q(amount__lt=-MAX_AMOUNT)
    )
    for entry in odd.select_related("account")[:SHOWN]:
        yield Breach("I02", f"entry:{entry.pk}", f"{entry.amount} {entry.currency} in {entry.account.code}")
    for page in pages(_touched(Account.objects.all(), scope)):
        for account in page:
            if account.code != account.ref.code:
                yield Breach("I02", f"account:{account.pk}", f"{account.code} is {account.ref.code}")


def _liabilities_are_not_negative(scope: AuditScope) -> Iterator[Breach]:
    # From the checkpoints: that these are true is I19.
    accounts = _touched(Account.objects.filter(role__in=LIABILITY_ROLES), scope)
    for account in with_balance(accounts).filter(balance__gt=0)[:SHOWN]:
        yield Breach("I11", f"account:{account.code}", f"owes {-account.balance} {account.currency}")


def _reversals_mirror_once(scope: AuditScope) -> Iterator[Breach]:
    for page in pages(_transactions(scope).filter(reverses__isnull=False)):
        reversed_ids = {row.reverses_id for row in page}
        again = JournalTransaction.objects.filter(reverses__in=reversed_ids).order_by().values("reverses")
        for found in again.annotate(times=Count("id")).filter(times__gt=1):
            yield Breach("I13", _journal(found["reverses"]), f"reversed {found['times']} times")
        lines = lines_by_transaction({row.pk for row in page} | reversed_ids)
        for row in page:
            if _signed(lines.get(row.pk, []), sign=-1) != _signed(lines.get(row.reverses_id, []), sign=1):
                yield Breach("I13", _journal(row.pk), f"is not the mirror of journal:{row.reverses_id}")


def _signed(lines: list[Line], *, sign: int) -> list[tuple[str, int]]:
    return sorted((line.account.code, sign * line.amount) for line in lines)


def _schema_refuses(scope: AuditScope) -> Iterator[Breach]:
    for table, problem in missing_rules():
        yield Breach("I14", f"table:{table}", problem)
    for table, trigger in missing_triggers():
        yield Breach("I14", f"table:{table}", f"trigger missing: {trigger}")


def _conversions_used_a_true_rate(scope: AuditScope) -> Iterator[Breach]:
    conversions = CurrencyConversion.objects.select_related("rate")
    if scope.since is not None:
        conversions = conversions.filter(converted_at__gte=scope.since)
    for row in conversions.iterator():
        for problem in _problems_of(row):
            yield Breach("I17", f"conversion:{row.reference}", problem)


def _problems_of(row: CurrencyConversion) -> Iterator[str]:
    rate = row.rate
    if rate.is_quarantined:
        yield f"rate {rate.pk} is in quarantine"
    if rate.is_fallback and not row.is_fallback_allowed:
        yield f"rate {rate.pk} is a fallback, which was not allowed to move francs"
    age = row.converted_at - rate.observed_at
    if not rate.is_fallback and not timedelta(0) <= age < FRESH_FOR:
        yield f"rate {rate.pk} was {age} old"
    if expected_amounts(row, rate.rate_xof_per_btc) != (row.amount_sats, row.amount_xof):
        yield f"{row.amount_sats} sats are not {row.amount_xof} XOF at {rate.rate_xof_per_btc}"


def _quarantine_is_never_used(scope: AuditScope) -> Iterator[Breach]:
    """Look through every table that points at a rate, in whichever room it lives."""
    for relation in _pointing_at_rates():
        users = relation.related_model._default_manager
        in_quarantine = users.filter(**{f"{relation.field.name}__is_quarantined": True})
        for pk in in_quarantine.values_list("pk", flat=True)[:SHOWN]:
            yield Breach(
                "I17", f"{relation.related_model._meta.model_name}:{pk}", "uses a rate in quarantine"
            )


def _pointing_at_rates() -> Iterator[Any]:
    fields = ExchangeRate._meta.get_fields(include_hidden=True)
    yield from (field for field in fields if field.one_to_many or (field.one_to_one and field.auto_created))


def _chain_holds(scope: AuditScope) -> Iterable[Breach]:
    return verify_books(since=scope.since)


def _checkpoints_are_true(scope: AuditScope) -> Iterator[Breach]:
    checkpoints = AccountCheckpoint.objects.select_related("account")
    sealed = JournalEntry.objects.filter(transaction__seal__isnull=False)
    if scope.since is not None:
        return  # a rebuild reads all entries: nightly
    sums = dict(sealed.order_by().values_list("account").annotate(total=Sum("amount")))
    for checkpoint in checkpoints.iterator():
        total = sums.pop(checkpoint.account_id, 0)
        if total != checkpoint.amount:
            yield Breach(
                "I19", f"account:{checkpoint.account.code}",
                f"checkpoint {checkpoint.amount}, sealed entries {total}",
            )  # fmt: skip
    for account_id, total in sums.items():
        yield Breach("I19", f"account:{account_id}", f"no checkpoint, sealed entries {total}")


def _nothing_hides_below_a_floor(scope: AuditScope) -> Iterator[Breach]:
    """Look for what is unsealed below the floor of an account it touches: it is in no balance."""
    hidden = _entries(scope).filter(
        transaction__seal=None, account__checkpoint__floor__gte=F("transaction_id")
    )
    for entry in hidden[:SHOWN]:
        yield Breach(
            "I19", _journal(entry.transaction_id), f"unsealed below the floor of account {entry.account_id}"
        )


def _nothing_stays_unsealed(scope: AuditScope) -> Iterator[Breach]:
    late = _transactions(scope).filter(seal=None, recorded_at__lt=scope.now - UNSEALED_FOR_LONG)
    for pk in late.order_by("id").values_list("pk", flat=True)[:SHOWN]:
        yield Breach("I20", _journal(pk), "not sealed for 5 minutes")


def _transactions(scope: AuditScope) -> Any:
    rows = JournalTransaction.objects.all()
    return rows if scope.since is None else rows.filter(pk__gte=first_transaction_since(scope.since))


def _entries(scope: AuditScope) -> Any:
    rows = JournalEntry.objects.all()
    if scope.since is None:
        return rows
    return rows.filter(transaction_id__gte=first_transaction_since(scope.since))


def _touched(accounts: Any, scope: AuditScope) -> Any:
    if scope.since is None:
        return accounts
    return accounts.filter(pk__in=_entries(scope).order_by().values("account"))


def _journal(pk: int | None) -> str:
    return f"journal:{pk}"


INVARIANTS = [
    Invariant("I01", "every transaction balances per currency and has two lines", _transactions_balance),
    Invariant("I01b", "the whole books balance per currency", _books_balance),
    Invariant("I02", "entries fit their accounts, amounts are possible", _entries_fit_their_accounts),
    Invariant("I11", "what we owe is never negative", _liabilities_are_not_negative),
    Invariant("I13", "a transaction is reversed at most once, by its mirror", _reversals_mirror_once),
    Invariant("I14", "uniqueness, checks and append-only triggers are in the schema", _schema_refuses),
    Invariant(
        "I17",
        "conversions used a fresh rate, or a fallback where allowed, and its rounding",
        _conversions_used_a_true_rate,
    ),
    Invariant("I17", "a rate in quarantine is never used", _quarantine_is_never_used),
    Invariant("I18", "the books' hash chain holds", _chain_holds),
    Invariant("I19", "checkpoints are the sums of sealed entries", _checkpoints_are_true),
    Invariant("I19", "no unsealed transaction hides below a floor", _nothing_hides_below_a_floor),
    Invariant("I20", "no transaction waits for its seal", _nothing_stays_unsealed, waiting=True),
]
