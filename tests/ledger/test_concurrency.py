"""Concurrent connections, on an engine with row locks."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from ledger.auditor import _snapshot
from ledger.errors import ReferenceUsed
from ledger.models import Account, JournalEntry, JournalTransaction, LedgerSeal
from ledger.queries import balance, balances
from ledger.services import post, post_all, seal_books
from ledger.types import Line
from tests.ledger.builders import (
    CREDIT,
    NODE,
    NOW,
    OTHER_CREDIT,
    broken_links,
    lines,
    plain_sum,
    posting,
    received,
)

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]
THREADS = 8


def at_once(work: Callable[[int], Any], *, times: int = THREADS) -> list[Any]:
    """Run the same work on several connections at once; return results and refusals."""
    barrier = threading.Barrier(times)

    def run(number: int) -> Any:
        try:
            barrier.wait(10)
            return work(number)
        except ReferenceUsed as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_equal_references_at_once_are_booked_once() -> None:
    ids = at_once(lambda _: received("r-1"))

    assert len(set(ids)) == 1
    assert JournalTransaction.objects.count() == 1
    assert JournalEntry.objects.count() == 2


def test_equal_references_with_other_content_at_once_are_booked_once() -> None:
    answers = at_once(lambda number: received("r-1", number + 1))

    assert sum(isinstance(answer, int) for answer in answers) == 1
    assert sum(isinstance(answer, ReferenceUsed) for answer in answers) == THREADS - 1
    assert JournalTransaction.objects.count() == 1


def test_accounts_used_first_at_once_open_once() -> None:
    at_once(lambda number: received(f"r-{number}"))

    assert sorted(Account.objects.values_list("code", flat=True)) == [NODE.code, CREDIT.code]
    assert (balance(NODE), balance(CREDIT)) == (1_000 * THREADS, -1_000 * THREADS)


def in_another_connection(work: Callable[[], Any]) -> Any:
    def run() -> Any:
        try:
            return work()
        finally:
            connection.close()

    return ThreadPoolExecutor(1).submit(run)


def test_second_post_waits_for_the_first_and_returns_its_id() -> None:
    with transaction.atomic():
        first = received("r-1")
        second = in_another_connection(lambda: received("r-1"))

    assert second.result(10) == first


def test_second_post_is_stored_when_the_first_rolls_back() -> None:
    with transaction.atomic():
        received("r-1", to=OTHER_CREDIT)
        second = in_another_connection(lambda: received("r-1"))
        transaction.set_rollback(True)

    assert second.result(10) == JournalTransaction.objects.get().pk
    assert balances([CREDIT, OTHER_CREDIT]) == {CREDIT: -1_000, OTHER_CREDIT: 0}


def test_account_opened_by_a_rolled_back_posting_opens_again() -> None:
    with transaction.atomic():
        received("r-1")
        transaction.set_rollback(True)

    received("r-2")

    assert balance(CREDIT) == -1_000


def test_batches_at_once_are_booked_once() -> None:
    ids = at_once(lambda _: post_all([posting(f"r-{n}") for n in range(10)]), times=4)

    assert len({tuple(answer) for answer in ids}) == 1
    assert JournalTransaction.objects.count() == 10


def test_sealers_at_once_chain_each_transaction_once() -> None:
    for number in range(20):
        received(f"r-{number}")

    sealed = at_once(lambda _: seal_books(now=NOW), times=4)

    assert sorted(sealed) == [0, 0, 0, 20]
    assert LedgerSeal.objects.count() == 20
    assert broken_links() == []


def test_seal_skips_uncommitted_transactions() -> None:
    received("r-0")
    with transaction.atomic():
        received("r-1")
        assert in_another_connection(lambda: seal_books(now=NOW)).result(10) == 1
        received("r-2")
    assert balance(CREDIT) == -3_000

    seal_books(now=NOW)

    assert balance(CREDIT) == plain_sum(CREDIT) == -3_000


def test_balances_read_while_sealing_always_sum_to_the_same() -> None:
    """Money moves between two accounts while a sealer runs; their sum never changes."""
    received("r-0", 1_000)
    received("r-1", 1_000, to=OTHER_CREDIT)
    done = threading.Event()

    def move_and_seal() -> None:
        for number in range(60):
            amount = 1 if number % 2 else -1
            moved = [Line(CREDIT, amount), Line(OTHER_CREDIT, -amount)]
            post(kind="move", reference=f"m-{number}", lines=moved, at=NOW, subject="s")
            if number % 3 == 0:
                seal_books(now=NOW)
        done.set()

    mover = in_another_connection(move_and_seal)
    seen = set()
    while not done.is_set() and not mover.done():
        seen.add(sum(balances([CREDIT, OTHER_CREDIT]).values()))
    mover.result(10)

    assert seen == {-2_000}


def test_audit_reads_one_snapshot() -> None:
    """Between two reads of an audit another connection posts; the audit sees none of it."""
    received("r-0")
    with _snapshot():
        before = JournalEntry.objects.count()
        in_another_connection(lambda: received("r-1")).result(10)
        assert JournalEntry.objects.count() == before == 2
    assert JournalEntry.objects.count() == 4


def test_isolation_of_the_next_transaction_is_read_committed_again() -> None:
    with _snapshot():
        JournalEntry.objects.count()
    with transaction.atomic():
        assert JournalEntry.objects.count() == 0
        in_another_connection(
            lambda: post(kind="k", reference="r", lines=lines(), at=NOW, subject="s")
        ).result(10)
        assert JournalEntry.objects.count() == 2
