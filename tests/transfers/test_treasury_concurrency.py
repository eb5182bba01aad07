"""Two people propose or approve movements at the same moment, on two connections: one of them is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from ledger.queries import balance
from sunusav.core.errors import DomainError
from sunusav.core.locks import lock
from sunusav.core.roles import Role
from tests.factories.treasury import BANK, NODE, ONCHAIN, approve, book, opening, propose
from tests.factories.users import make_user
from tests.support.locks import wait_until_blocked
from tests.transfers.builders import NOW, ordered, run
from tests.transfers.rails import SteeredRail, Watch
from transfers.enums import ReturnKind, TreasuryKind
from transfers.errors import ReturnReferenceBooked
from transfers.models import BookedMovement, Reversal, TreasuryMovement
from transfers.services.reversals import propose_reversal
from transfers.treasury_errors import TreasuryAccountShort, TreasuryReferenceReversed, TreasuryReferenceUsed
from transfers.types import Movement

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]


def refusals(*works: Callable[[], Any]) -> list[DomainError | None]:
    """Let all wait for the lock of the treasury at once, and return how each of them was refused, if it was."""
    with ThreadPoolExecutor(len(works)) as pool:
        with transaction.atomic():
            lock("treasury")
            waiting = [pool.submit(_on_own_connection, work) for work in works]
            wait_until_blocked(connection, count=len(works))
        return [one.result(60) for one in waiting]


def _on_own_connection(work: Callable[[], Any]) -> DomainError | None:
    try:
        work()
    except DomainError as refusal:
        return refusal
    finally:
        connection.close()
    return None


def test_two_withdrawals_of_which_one_is_covered_book_one() -> None:
    book(opening(BANK, 100), now=NOW)
    withdrawals = [propose(Movement(TreasuryKind.CAPITAL_WITHDRAWAL, BANK, 60), now=NOW) for _ in range(2)]
    approvers = [make_user(Role.APPROVER) for _ in withdrawals]

    found = refusals(
        *(
            partial(approve, one, now=NOW, approver=who)
            for one, who in zip(withdrawals, approvers, strict=True)
        )
    )

    assert {type(one) for one in found} == {type(None), TreasuryAccountShort}
    assert balance(BANK) == 40


def test_one_reference_proposed_twice_is_proposed_once() -> None:
    people = [make_user(Role.FINANCE) for _ in range(2)]

    found = refusals(
        *(
            partial(propose, opening(account), now=NOW, proposer=who, reference="statement 1")
            for who, account in zip(people, (BANK, ONCHAIN), strict=True)
        )
    )

    assert {type(one) for one in found} == {type(None), TreasuryReferenceUsed}
    assert (TreasuryMovement.objects.count(), BookedMovement.objects.count()) == (1, 0)


def test_line_that_two_people_book_as_a_movement_while_two_others_reverse_a_payment_by_it_counts_once(
    node: SteeredRail, watch: Watch
) -> None:
    line, finance, approver = f"{'ab' * 32}:0", make_user(Role.FINANCE), make_user(Role.APPROVER)
    disbursement_id = ordered()
    run(watch)
    movement = propose(Movement(TreasuryKind.SURPLUS, NODE, 1_000), now=NOW, reference=line)
    reversal = propose_reversal(
        disbursement_id=disbursement_id, kind=ReturnKind.BANK_LINE, reference=line, explanation="sent back",
        proposer=finance, now=NOW,
    )  # fmt: skip

    found = refusals(
        partial(approve, movement, now=NOW, approver=make_user(Role.APPROVER)),
        partial(approve, reversal, now=NOW, approver=approver),
    )

    assert {type(one) for one in found} in (
        {type(None), ReturnReferenceBooked},
        {type(None), TreasuryReferenceReversed},
    )
    assert BookedMovement.objects.count() + Reversal.objects.count() == 1
