"""A resolution and the engine at the same time, on two connections: one of them closes the attempt."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal
from sunusav.core.roles import Role
from tests.factories.users import make_user
from tests.transfers.builders import NET_MSAT, NET_SATS, PAYOUT_MSAT, Snapshot, attempts
from tests.transfers.rails import SteeredRail, Watch, hash_of
from tests.transfers.resolution_cases import NOT_PAID, PAID, Case
from transfers.engine.attempts import locked_attempt
from transfers.engine.destinations import order_of
from transfers.engine.paid import book_payment, close_as_paid
from transfers.errors import AttemptNotOpen
from transfers.models import Attempt, ResolvedAttempt
from transfers.services.disbursements import locked

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

DONE = Snapshot("completed", ["succeeded"], 0, 0)


@pytest.fixture
def case(node: SteeredRail, watch: Watch) -> Case:
    return Case(node, watch)


def beside(work: Callable[[], Any]) -> "Future[Any]":
    """Start work on its own connection."""

    def run() -> Any:
        try:
            return work()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    return ThreadPoolExecutor(1).submit(run)


def pay_at_the_node(case: Case) -> tuple[Attempt, Any]:
    case.node.paid[hash_of("awa", NET_SATS)] = NET_MSAT
    attempt = Attempt.objects.select_related("order").get()
    return attempt, case.node._receipt(order_of(attempt.order))


def test_approval_that_waits_for_the_engine_to_book_is_refused_cleanly(case: Case) -> None:
    proposal = case.propose(PAID)
    attempt, receipt = pay_at_the_node(case)
    with transaction.atomic():
        locked(case.id)
        approving = beside(lambda: case.approve(proposal))
        book_payment(locked_attempt(attempt), locked(case.id), receipt, now=case.watch())

    refusal = approving.result(20)

    assert isinstance(refusal, AttemptNotOpen)
    assert case.snapshot == DONE
    assert not ResolvedAttempt.objects.exists()
    proposal.refresh_from_db()
    assert (proposal.state, proposal.approvals.count()) == ("open", 0)


def test_engine_that_waits_for_the_approval_books_nothing_twice(case: Case) -> None:
    proposal = case.propose(PAID)
    attempt, receipt = pay_at_the_node(case)
    with transaction.atomic():
        case.approve(proposal)
        booking = beside(lambda: close_as_paid(attempt, receipt, now=case.watch()))

    assert booking.result(20) is False
    assert case.snapshot == DONE
    assert ResolvedAttempt.objects.count() == 1


def test_engine_that_learns_of_the_payment_beside_the_approval_of_not_paid_books_it_once(case: Case) -> None:
    case.expire()
    proposal = case.propose(NOT_PAID)
    attempt, receipt = pay_at_the_node(case)
    with transaction.atomic():
        case.approve(proposal)
        booking = beside(lambda: close_as_paid(attempt, receipt, now=case.watch()))

    assert booking.result(20) is True
    assert case.snapshot == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert [row.state for row in attempts(case.id)] == ["failed", "succeeded"]


def test_two_approvers_at_once_resolve_it_once(case: Case) -> None:
    case.expire()
    proposal = case.propose(NOT_PAID)
    others = [case.approver, make_user(Role.APPROVER)]
    barrier = threading.Barrier(2)

    def approve(number: int) -> Any:
        barrier.wait(10)
        return case.approve(proposal, by=others[number])

    waiting = [beside(lambda number=number: approve(number)) for number in range(2)]  # type: ignore[misc]
    answers = [one.result(20) for one in waiting]

    assert sorted(isinstance(answer, Proposal) for answer in answers) == [False, True]
    assert [answer.code for answer in answers if isinstance(answer, DomainError)] == ["proposal-not-open"]
    assert case.snapshot == Snapshot("failed", ["failed"], 0, PAYOUT_MSAT)


def test_two_proposers_at_once_leave_one_proposal(case: Case) -> None:
    """The slower one is refused, or its proposal replaces the other's, which can no longer be approved."""
    people = [case.finance, make_user(Role.FINANCE)]
    barrier = threading.Barrier(2)

    def propose(number: int) -> Any:
        barrier.wait(10)
        return case.propose(PAID, by=people[number])

    waiting = [beside(lambda number=number: propose(number)) for number in range(2)]  # type: ignore[misc]
    refusals = {
        answer.code for answer in (one.result(20) for one in waiting) if isinstance(answer, DomainError)
    }

    assert refusals <= {"proposal-already-open"}
    assert Proposal.objects.filter(state="open").count() == 1
    case.approve(Proposal.objects.get(state="open"))
    assert case.snapshot == DONE


def test_answer_that_comes_in_beside_the_approval_voids_it(case: Case) -> None:
    proposal = case.propose(PAID)
    with transaction.atomic():
        locked(case.id)
        approving = beside(lambda: case.approve(proposal))
        Attempt.objects.filter(disbursement_id=case.id).first().answers.create(  # type: ignore[union-attr]
            at=case.watch(), answered_call="ask", kind="in_flight", outcome="in-flight", evidence={}
        )

    assert approving.result(20).code == "proposal-facts-changed"
    assert case.snapshot == Snapshot("needs_review", ["in_flight"], 0, PAYOUT_MSAT)
