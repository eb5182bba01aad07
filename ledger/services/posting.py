"""Writing into the books: post, post many, reverse. All join the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, connection, transaction

from ledger.calculations import differences
from ledger.errors import (
    JournalTransactionMissing,
    PostingMalformed,
    PostingUnbalanced,
    ReferenceUsed,
    ReversalExists,
)
from ledger.models import Account, JournalEntry, JournalTransaction
from ledger.models.account import OWNER_LENGTH
from ledger.models.journal import KIND_LENGTH, MAX_AMOUNT, REFERENCE_LENGTH, SUBJECT_LENGTH
from ledger.queries import lines_of
from ledger.services.accounts import account_ids, open_accounts
from ledger.types import Line, Posting
from sunusav.core import clock
from sunusav.core.bulk import insert, insert_all

FEWEST_LINES: Final = 2

# Raw on purpose. `save()` marks the caller's whole transaction as broken when the unique reference refuses
# a row; MySQL, MariaDB and SQLite undo the refused statement alone, and savepoints would double the round
# trips.
_INSERT_TRANSACTION: Final = (
    f"INSERT INTO {JournalTransaction._meta.db_table} "  # noqa: S608  (our own table's name)
    "(kind, reference, subject, posted_at, recorded_at, reverses_id) VALUES (%s, %s, %s, %s, %s, %s)"
)
# The account is found by its code in the same statement: no cache of ids that a rollback could make wrong.
# One that does not exist yet gives NULL, which refuses the whole statement.
_INSERT_ENTRIES: Final = (
    f"INSERT INTO {JournalEntry._meta.db_table} (transaction_id, account_id, currency, amount) VALUES "  # noqa: S608
)
_ENTRY: Final = f"(%s, (SELECT id FROM {Account._meta.db_table} WHERE code = %s), %s, %s)"  # noqa: S608


def post(*, kind: str, reference: str, lines: Sequence[Line], at: datetime, subject: str) -> int:
    """Append a balanced transaction and return its id; the same reference and content returns the stored id.

    Two INSERTs when the accounts exist. `at` is when it happened and is not part of the content compared.
    Raises: PostingMalformed, PostingUnbalanced, ReferenceUsed.
    """
    return _post(Posting(kind, reference, tuple(lines), at, subject))


def reverse(*, transaction_id: int, kind: str, reference: str, at: datetime, subject: str) -> int:
    """Append the mirror of a transaction; the same reference again returns the stored id.

    Raises: JournalTransactionMissing, ReversalExists, ReferenceUsed.
    """
    lines = tuple(Line(line.account, -line.amount) for line in lines_of(transaction_id))
    if not lines:
        raise JournalTransactionMissing(transaction_id=transaction_id)
    return _post(Posting(kind, reference, lines, at, subject, reverses_id=transaction_id))


def post_all(postings: Sequence[Posting]) -> list[int]:
    """Append many transactions in a few multi-row statements and return their ids in the same order.

    What is stored already with the same content is returned as it is. All or nothing. Raises: as `post`.
    """
    if len(postings) == 1:
        return [_post(postings[0])]
    for posting in postings:
        check(posting)
    try:
        with transaction.atomic():
            return _insert_all(postings)
    except IntegrityError:
        # Some reference is stored already: one by one, each is compared with what is there.
        with transaction.atomic():
            return [_post(posting) for posting in postings]


def check(posting: Posting) -> None:
    """Refuse what must never be written. Raises: PostingMalformed, PostingUnbalanced."""
    problem = _problem(posting)
    if problem:
        raise PostingMalformed(reference=posting.reference, problem=problem)
    for currency, difference in differences(
        (line.account.currency, line.amount) for line in posting.lines
    ).items():
        if difference:
            raise PostingUnbalanced(
                reference=posting.reference, currency=str(currency), difference=difference
            )


def _problem(posting: Posting) -> str:
    names = (
        ("kind", posting.kind, KIND_LENGTH),
        ("reference", posting.reference, REFERENCE_LENGTH),
        ("subject", posting.subject, SUBJECT_LENGTH),
    )
    for name, text, length in names:
        if not 0 < len(text) <= length:
            return f"{name} must have 1 to {length} characters"
    if posting.at.tzinfo is None:
        return "the moment has no time zone"
    if len(posting.lines) < FEWEST_LINES:
        return "fewer than two lines"
    return next((problem for line in posting.lines if (problem := _line_problem(line))), "")


def _line_problem(line: Line) -> str:
    # `type is int`: a bool or a float that happens to be whole is a mistake too.
    if type(line.amount) is not int:
        return f"{line.amount!r} is not a whole number"
    if line.amount == 0 or abs(line.amount) > MAX_AMOUNT:
        return f"{line.amount} is zero or more than there is"
    if len(line.account.owner) > OWNER_LENGTH:
        return f"an owner has at most {OWNER_LENGTH} characters"
    return ""


def _post(posting: Posting) -> int:
    check(posting)
    with transaction.atomic(savepoint=False):
        transaction_id = _insert(posting)
    # Outside the block: a refusal must not mark the caller's transaction as broken.
    return transaction_id or _stored(posting)


def _insert(posting: Posting) -> int | None:
    with connection.cursor() as cursor:
        try:
            cursor.execute(_INSERT_TRANSACTION, _transaction_values(posting))
        except IntegrityError:
            return None
        transaction_id = int(cursor.lastrowid)
    _insert_entries(transaction_id, posting.lines)
    return transaction_id


def _transaction_values(posting: Posting) -> list[Any]:
    moment = connection.ops.adapt_datetimefield_value
    return [
        posting.kind, posting.reference, posting.subject, moment(posting.at), moment(clock.now()),
        posting.reverses_id,
    ]  # fmt: skip


def _insert_entries(transaction_id: int, lines: Sequence[Line]) -> None:
    statement = _INSERT_ENTRIES + ", ".join([_ENTRY] * len(lines))
    values = [
        value
        for line in lines
        for value in (transaction_id, line.account.code, line.account.currency.value, line.amount)
    ]
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement, values)
        except IntegrityError:
            open_accounts(line.account for line in lines)
            cursor.execute(statement, values)


def _stored(posting: Posting) -> int:
    """Return the id of what is stored under this reference, if it is the same."""
    row = JournalTransaction.objects.filter(reference=posting.reference).first()
    if row is None:
        raise _why_not_stored(posting)
    if _content(row.kind, row.subject, row.reverses_id, lines_of(row.pk)) != _content_of(posting):
        raise ReferenceUsed(reference=posting.reference, stored_id=row.pk)
    return row.pk


def _why_not_stored(posting: Posting) -> Exception:
    reversal = JournalTransaction.objects.filter(reverses_id__isnull=False, reverses_id=posting.reverses_id)
    reversal_id = reversal.values_list("id", flat=True).first()
    if reversal_id is None:
        return RuntimeError(f"the database refused {posting.reference} for a reason we do not know")
    return ReversalExists(transaction_id=posting.reverses_id, reversal_id=reversal_id)


def _content_of(posting: Posting) -> object:
    return _content(posting.kind, posting.subject, posting.reverses_id, posting.lines)


def _content(kind: str, subject: str, reverses_id: int | None, lines: Sequence[Line]) -> object:
    return kind, subject, reverses_id, sorted((line.account.code, line.amount) for line in lines)


def _insert_all(postings: Sequence[Posting]) -> list[int]:
    accounts = account_ids(line.account for posting in postings for line in posting.lines)
    ids = _insert_transactions(postings)
    entries = [
        JournalEntry(
            transaction_id=ids[posting.reference], account_id=accounts[line.account.code],
            currency=line.account.currency, amount=line.amount,
        )
        for posting in postings
        for line in posting.lines
    ]  # fmt: skip
    insert(entries)
    return [ids[posting.reference] for posting in postings]


def _insert_transactions(postings: Sequence[Posting]) -> dict[str, int]:
    rows = [
        JournalTransaction(
            kind=posting.kind, reference=posting.reference, subject=posting.subject, posted_at=posting.at,
            reverses_id=posting.reverses_id,
        )
        for posting in postings
    ]  # fmt: skip
    insert_all(rows, by="reference")
    return {row.reference: row.pk for row in rows}
