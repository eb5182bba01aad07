"""Posting to the journal: one transaction, many, or a reversal. Each joins the caller's database transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from ledger import sql
from ledger.calculations import differences
from ledger.errors import (
    JournalTransactionMissing,
    PostingMalformed,
    PostingUnbalanced,
    ReferenceUsed,
    ReversalExists,
)
from ledger.models import JournalEntry, JournalTransaction
from ledger.models.account import CODE_LENGTH, OWNER_LENGTH
from ledger.models.journal import KIND_LENGTH, MAX_AMOUNT, REFERENCE_LENGTH, SUBJECT_LENGTH
from ledger.queries import lines_of
from ledger.services.accounts import account_ids, open_accounts
from ledger.types import Line, Posting
from sunusav.core import clock
from sunusav.core.bulk import insert, insert_all

MIN_LINES: Final = 2


def post(*, kind: str, reference: str, lines: Sequence[Line], at: datetime, subject: str) -> int:
    """Append a balanced transaction and return its id.

    If the reference is stored with the same content, return the stored id. `at`, when it happened, is not part of the
    content that is compared. Two INSERTs when the accounts exist.
    Raises: PostingMalformed, PostingUnbalanced, ReferenceUsed.
    """
    return _post(Posting(kind, reference, tuple(lines), at, subject))


def reverse(*, transaction_id: int, kind: str, reference: str, at: datetime, subject: str) -> int:
    """Append the mirror of a transaction and return its id. The same reference again returns the stored id.

    Raises: JournalTransactionMissing, PostingMalformed, ReversalExists, ReferenceUsed.
    """
    lines = tuple(Line(line.account, -line.amount) for line in lines_of(transaction_id))
    if not lines:
        raise JournalTransactionMissing(transaction_id=transaction_id)
    return _post(Posting(kind, reference, lines, at, subject, reverses_id=transaction_id))


def post_all(postings: Sequence[Posting]) -> list[int]:
    """Append many transactions in a few multi-row statements and return their ids in the same order.

    All or none. A posting that is stored already with the same content returns its stored id. Raises: as `post`.
    """
    if len(postings) == 1:
        return [_post(postings[0])]
    for posting in postings:
        check(posting)
    try:
        with transaction.atomic():
            return _insert_all(postings)
    except IntegrityError:
        # Some reference is stored already: posted one by one, each is compared with what is stored.
        with transaction.atomic():
            return [_post(posting) for posting in postings]


def check(posting: Posting) -> None:
    """Refuse a posting that must not be written. Raises: PostingMalformed, PostingUnbalanced."""
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
    if len(posting.lines) < MIN_LINES:
        return "fewer than two lines"
    return next((problem for line in posting.lines if (problem := _line_problem(line))), "")


def _line_problem(line: Line) -> str:
    # Not `isinstance`: a bool is an int, and a whole float equals one.
    if type(line.amount) is not int:
        return f"{line.amount!r} is not a whole number"
    if line.amount == 0 or abs(line.amount) > MAX_AMOUNT:
        return f"{line.amount} is zero, or its size is above {MAX_AMOUNT}"
    if len(line.account.owner) > OWNER_LENGTH:
        return f"an owner has at most {OWNER_LENGTH} characters"
    if len(line.account.code) > CODE_LENGTH:
        return f"the code of an account has at most {CODE_LENGTH} characters"
    return ""


def _post(posting: Posting) -> int:
    check(posting)
    with transaction.atomic(savepoint=False):
        transaction_id = _insert(posting)
    # After the block: a refusal raised in it would mark the caller's transaction as broken.
    return transaction_id or _stored(posting)


def _insert(posting: Posting) -> int | None:
    try:
        transaction_id = sql.insert_transaction(posting, recorded_at=clock.now())
    except IntegrityError:
        return None
    _insert_entries(transaction_id, posting.lines)
    return transaction_id


def _insert_entries(transaction_id: int, lines: Sequence[Line]) -> None:
    try:
        sql.insert_entries(transaction_id, lines)
    except IntegrityError:
        open_accounts(line.account for line in lines)
        sql.insert_entries(transaction_id, lines)


def _stored(posting: Posting) -> int:
    """Return the id stored under this reference. Raises: ReferenceUsed if its content differs, ReversalExists."""
    row = JournalTransaction.objects.filter(reference=posting.reference).first()
    if row is None:
        raise _refusal_of(posting)
    if _content(row.kind, row.subject, row.reverses_id, lines_of(row.pk)) != _content(
        posting.kind, posting.subject, posting.reverses_id, posting.lines
    ):
        raise ReferenceUsed(reference=posting.reference, stored_id=row.pk)
    return row.pk


def _refusal_of(posting: Posting) -> Exception:
    reversal = JournalTransaction.objects.filter(reverses_id__isnull=False, reverses_id=posting.reverses_id)
    reversal_id = reversal.values_list("id", flat=True).first()
    if reversal_id is None:
        return RuntimeError(f"the database refused {posting.reference} for an unknown reason")
    return ReversalExists(transaction_id=posting.reverses_id, reversal_id=reversal_id)


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
