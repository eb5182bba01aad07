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
from tests.factories.treasury import BANK, ONCHAIN, approve, book, opening, propose
from tests.factories.users import make_user
from tests.support.locks import wait_until_blocked
from tests.transfers.builders import NOW
from transfers.enums import TreasuryKind
from transfers.models import BookedMovement, TreasuryMovement
from transfers.treasury_errors import TreasuryAccountShort, TreasuryReferenceUsed
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
