"""Payments that the books have no place for: they wait for people, and two of them book the loss."""

from collections.abc import Callable

import pytest

from ledger.enums import AccountRole, Currency
from ledger.models import JournalTransaction
from ledger.queries import balance, lines_by_transaction
from ledger.services import post
from ledger.types import AccountRef, Line, msat
from sunusav.core.approvals import ApproverIsProposer
from tests.fakes.rail import ROUTING_FEE_MSAT
from tests.transfers.builders import (
    NET_MSAT,
    NET_SATS,
    NODE,
    NOW,
    PAYOUT_MSAT,
    ROUTING,
    Snapshot,
    attempts,
    row_of,
    settle,
    snapshot,
)
from tests.transfers.deciding import WRITTEN_OFF, People, breaches, waiting
from tests.transfers.rails import SteeredRail, Watch, hash_of, proof_of
from tests.transfers.test_late_sends import IN_FLIGHT, attempt_for, cancel, give, refused, wakes
from tests.transfers.unchanged import unchanged
from transfers.attempt_queries import paid_outside_since
from transfers.engine.destinations import order_of
from transfers.engine.paid import close_as_paid
from transfers.matching import match_rail
from transfers.models import Attempt, ResolvedAttempt
from transfers.queries import disbursement
from transfers.resolution_errors import NothingToWriteOff, ResolutionNeedsProof

pytestmark = pytest.mark.django_db

LOSSES = AccountRef(AccountRole.PAYMENT_LOSSES, Currency.MSAT)


@pytest.fixture
def people(watch: Watch) -> People:
    return People(watch)


def paid_late(node: SteeredRail, watch: Watch, name: str = "A") -> None:
    """Let the provider pay a closed order, and the engine learn it."""
    wakes(node, name)
    closed = attempt_for(name)
    assert not close_as_paid(closed, node._receipt(order_of(closed.order)), now=watch())


def outside(node: SteeredRail, watch: Watch) -> int:
    """Return a payment that was cancelled, and whose order was paid after that."""
    disbursement_id = refused(node, watch)
    settle(watch)
    cancel(disbursement_id, watch)
    paid_late(node, watch)
    return disbursement_id


def test_payment_outside_the_books_waits_with_its_proof_cost_and_age(node: SteeredRail, watch: Watch) -> None:
    disbursement_id = outside(node, watch)
    watch.advance(7_200)

    attempt = attempts(disbursement_id)[0]
    assert (attempt.state, attempt.proof, attempt.cost) == (
        "failed",
        proof_of("A", NET_SATS),
        ROUTING_FEE_MSAT,
    )
    assert waiting(watch) == [("I25", f"paid by {hash_of('A', NET_SATS)}, not in the books for 2:00:00")]
    assert paid_outside_since() == (1, watch.after(-7_200))
    facts = disbursement(disbursement_id)
    assert (facts.proof, facts.cost) == ("", None), "the disbursement itself was not paid"


def test_write_off_books_the_loss_once(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = outside(node, watch)
    before = JournalTransaction.objects.count()

    proposal = people.decide(disbursement_id, WRITTEN_OFF)

    resolved = ResolvedAttempt.objects.get()
    booked = JournalTransaction.objects.latest("id")
    assert JournalTransaction.objects.count() == before + 1
    assert (resolved.transaction, resolved.proposal, booked.kind) == (booked, proposal, "write_off")
    assert lines_by_transaction([booked.pk])[booked.pk] == [
        Line(NODE, -NET_MSAT - ROUTING_FEE_MSAT), Line(ROUTING, ROUTING_FEE_MSAT), Line(LOSSES, NET_MSAT),
    ]  # fmt: skip
    assert (resolved.resolution.verdict, resolved.resolution.cost) == ("written_off", ROUTING_FEE_MSAT)
    assert (balance(NODE), balance(LOSSES)) == (PAYOUT_MSAT - NET_MSAT - ROUTING_FEE_MSAT, NET_MSAT)
    assert snapshot(disbursement_id) == Snapshot("cancelled", ["failed"], PAYOUT_MSAT, 0)
    assert (breaches(watch), waiting(watch), paid_outside_since()) == ([], [], (0, None))
    with unchanged(), pytest.raises(NothingToWriteOff):
        people.propose(disbursement_id, WRITTEN_OFF)


def test_write_off_lets_statement_and_books_agree(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = outside(node, watch)
    watch.advance(3_600)
    assert [one.code for one in match_rail("lightning", now=watch()).mismatches] == ["paid-not-booked"]

    people.decide(disbursement_id, WRITTEN_OFF)

    assert match_rail("lightning", now=watch()).mismatches == []
    node.lines = [*node.statement(), *node.statement()]
    assert [one.code for one in match_rail("lightning", now=watch()).mismatches] == ["paid-twice"]


def test_write_off_of_another_amount_than_the_statement_has_is_found(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = outside(node, watch)
    people.decide(disbursement_id, WRITTEN_OFF)
    watch.advance(3_600)
    (line,) = node.statement()
    node.lines = [type(line)(line.reference, True, False, line.amount, msat(7))]

    assert [one.code for one in match_rail("lightning", now=watch()).mismatches] == ["amounts-differ"]


def test_write_off_beside_another_payment_of_the_same_disbursement(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    disbursement_id = refused(node, watch)
    give(disbursement_id, "B", watch)
    settle(watch)
    paid_late(node, watch)
    assert snapshot(disbursement_id).state == "completed"

    people.decide(disbursement_id, WRITTEN_OFF)

    assert snapshot(disbursement_id) == Snapshot("completed", ["failed", "succeeded"], 0, 0)
    assert balance(LOSSES) == NET_MSAT
    assert (breaches(watch), waiting(watch)) == ([], [])


def test_write_off_of_an_attempt_that_two_people_had_found_unpaid(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    """Both decisions stay: what was called unpaid was paid all the same."""
    disbursement_id = outside(node, watch)
    people.decide(disbursement_id, WRITTEN_OFF)
    written_off = ResolvedAttempt.objects.get()

    assert (written_off.decided_attempt, written_off.written_off_attempt) == (None, written_off.attempt_id)


def test_write_off_while_the_payment_can_be_booked_is_refused(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    """If B fails, A is booked as this disbursement's own payment."""
    disbursement_id = refused(node, watch)
    give(disbursement_id, "B", watch)
    node.script.append(IN_FLIGHT)
    settle(watch)
    paid_late(node, watch)
    assert row_of(disbursement_id).state == "processing"

    with unchanged(), pytest.raises(NothingToWriteOff):
        people.propose(disbursement_id, WRITTEN_OFF)


def test_write_off_of_nothing_is_refused(node: SteeredRail, watch: Watch, people: People) -> None:
    disbursement_id = refused(node, watch)

    with unchanged(), pytest.raises(NothingToWriteOff):
        people.propose(disbursement_id, WRITTEN_OFF)


def test_write_off_without_the_stored_proof_is_refused(
    node: SteeredRail, watch: Watch, people: People
) -> None:
    """As of a payment that was found before its proof was kept."""
    disbursement_id = outside(node, watch)
    Attempt.objects.filter(disbursement=disbursement_id).update(proof="")

    with unchanged(), pytest.raises(ResolutionNeedsProof):
        people.propose(disbursement_id, WRITTEN_OFF)


def test_write_off_by_one_person_is_refused(node: SteeredRail, watch: Watch, people: People) -> None:
    proposal = people.propose(outside(node, watch), WRITTEN_OFF)

    with unchanged(), pytest.raises(ApproverIsProposer):
        people.approve(proposal, by=people.finance)


# The audit


def written_off_by_hand(disbursement_id: int) -> None:
    lines = [Line(NODE, -1), Line(LOSSES, 1)]
    post(kind="write_off", reference="by-hand", lines=lines, at=NOW, subject="s")


def another_cost(disbursement_id: int) -> None:
    Attempt.objects.filter(disbursement=disbursement_id).update(cost=ROUTING_FEE_MSAT + 1)


@pytest.mark.parametrize(
    ("corrupt", "expected"),
    [
        (written_off_by_hand, {"I25b"}),
        (another_cost, {"I16"}),
    ],
)
def test_audit_finds_a_write_off_that_is_not_what_was_decided(
    node: SteeredRail,
    watch: Watch,
    people: People,
    *,
    corrupt: Callable[[int], None],
    expected: set[str],
) -> None:
    disbursement_id = outside(node, watch)
    people.decide(disbursement_id, WRITTEN_OFF)
    assert breaches(watch) == []

    corrupt(disbursement_id)

    assert {code for code, _ in breaches(watch)} & {"I16", "I25b"} == expected
