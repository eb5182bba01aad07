"""A difference has an owner, and two people close what nothing explains; nothing is booked by that."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger.models import JournalTransaction
from sunusav.core import approvals
from sunusav.core.errors import DomainError
from sunusav.core.models import Proposal, TrailEntry, User
from sunusav.core.roles import Role
from tests.factories.statements import Expectations, imported, make_format, open_ones
from tests.factories.treasury import BANK, book, opening
from tests.factories.treasury import propose as propose_movement
from tests.factories.users import make_user
from tests.transfers.builders import NOW
from tests.transfers.unchanged import unchanged
from transfers.models import MatchedLine, ResolvedItem, StatementItem, StatementMatch, TreasuryMovement
from transfers.statement_errors import (
    StatementCorrectionMissing,
    StatementItemClosed,
    StatementItemMissing,
    StatementItemOwnerInvalid,
    StatementResolutionIncomplete,
)
from transfers.statements.imports import match_again
from transfers.statements.items import comment_item, give_item, propose_resolution, take_item

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def item(awaited: Expectations) -> StatementItem:
    """The difference of a line that nobody expected."""
    make_format(now=NOW)
    imported(("fee", "-25.5"), now=NOW)
    return open_ones().popitem()[1]


def propose(item: StatementItem, *, proposer: User | None = None, **given: Any) -> Proposal:
    facts: dict[str, Any] = {"reason_code": "not_ours", "explanation": "another shop's"}
    who = proposer or make_user(Role.FINANCE)
    return propose_resolution(item_id=item.pk, proposer=who, now=NOW, **{**facts, **given})


def approve(proposal: Proposal, approver: User) -> None:
    approvals.approve(proposal_id=proposal.pk, approver=approver, digest=proposal.digest, now=LATER)


def refused(call: Any) -> DomainError:
    with unchanged(), pytest.raises(DomainError) as refusal:
        call()
    return refusal.value


def test_take_and_give_keep_owner_and_reason(item: StatementItem) -> None:
    first, second = make_user(Role.FINANCE), make_user(Role.FINANCE)

    take_item(item_id=item.pk, taker=first, now=NOW)
    give_item(item_id=item.pk, owner=second.get_username(), giver=first, reason="knows the bank", now=LATER)

    item.refresh_from_db()
    assert item.owner == second
    entries = TrailEntry.objects.filter(subject=f"statement_item:{item.pk}").order_by("pk")
    assert [(one.action, one.reason, one.facts.get("item_owner")) for one in entries] == [
        ("open_item", "", None), ("take_item", "", first.get_username()),
        ("give_item", "knows the bank", second.get_username()),
    ]  # fmt: skip


def test_give_to_a_person_without_the_right_is_refused(item: StatementItem) -> None:
    auditor, giver = make_user(Role.AUDITOR), make_user(Role.FINANCE)

    refusal = refused(
        lambda: give_item(
            item_id=item.pk, owner=auditor.get_username(), giver=giver, reason="she has time", now=NOW
        )
    )

    assert isinstance(refusal, StatementItemOwnerInvalid)


def test_comment_stands_in_the_trail(item: StatementItem) -> None:
    author = make_user(Role.FINANCE)

    comment_item(item_id=item.pk, author=author, text="asked the partner", now=NOW)

    entry = TrailEntry.objects.get(action="comment_item")
    assert (entry.subject, entry.reason, entry.actor_id) == (
        f"statement_item:{item.pk}", "asked the partner", author.pk,
    )  # fmt: skip


def test_take_of_unknown_or_closed_item_is_refused(item: StatementItem, awaited: Expectations) -> None:
    who = make_user(Role.FINANCE)
    assert isinstance(refused(lambda: take_item(item_id=0, taker=who, now=NOW)), StatementItemMissing)
    awaited.add("movement:1", "-25.5", "fee")
    match_again(now=NOW)

    refusal = refused(lambda: take_item(item_id=item.pk, taker=who, now=NOW))

    assert isinstance(refusal, StatementItemClosed)
    assert refusal.facts == {"item_id": item.pk, "item_state": "explained"}


def test_resolution_closes_the_item_when_another_person_approves(item: StatementItem) -> None:
    proposer, approver = make_user(Role.FINANCE), make_user(Role.APPROVER)
    proposal = propose(item, proposer=proposer)
    item.refresh_from_db()
    assert item.state == "open"
    assert proposal.facts["at_stake_xof"] == 26

    approve(proposal, approver)

    item.refresh_from_db()
    assert (item.state, item.closed_at) == ("resolved", LATER)
    resolved = ResolvedItem.objects.get()
    assert (resolved.proposer, resolved.approver, resolved.proposal) == (proposer, approver, proposal)
    assert (resolved.match.method, resolved.match.item) == ("by_resolution", item)
    assert MatchedLine.objects.get().line_id == item.lines[0]
    assert JournalTransaction.objects.count() == 0
    entry = TrailEntry.objects.get(action="resolve_item")
    assert (entry.from_state, entry.to_state, entry.facts["reason_code"]) == ("open", "resolved", "not_ours")


def test_resolved_line_is_not_matched_again(item: StatementItem, awaited: Expectations) -> None:
    approve(propose(item), make_user(Role.APPROVER))
    awaited.add("late", "-25.5", "fee")

    with unchanged():
        assert match_again(now=LATER) == 0


def test_proposer_cannot_approve(item: StatementItem) -> None:
    root = make_user(Role.FINANCE, is_superuser=True)
    proposal = propose(item, proposer=root)

    assert isinstance(refused(lambda: approve(proposal, root)), approvals.ApproverIsProposer)


@pytest.mark.parametrize("role", [Role.APPROVER, Role.AUDITOR, Role.OPERATOR])
def test_only_finance_proposes(item: StatementItem, role: Role) -> None:
    who = make_user(role)

    assert isinstance(refused(lambda: propose(item, proposer=who)), approvals.NotAllowedToDecide)


def test_item_that_changes_voids_the_proposal(item: StatementItem, awaited: Expectations) -> None:
    make_user(Role.FINANCE)
    awaited.add("a", "10")
    imported(("a", "7"), now=NOW)
    differing, approver = open_ones()["a"], make_user(Role.APPROVER)
    proposal = propose(differing)
    imported(("a", "2", "2026-03-03"), now=NOW)

    assert isinstance(refused(lambda: approve(proposal, approver)), approvals.ProposalFactsChanged)


def test_item_that_is_explained_meanwhile_is_not_resolved(item: StatementItem, awaited: Expectations) -> None:
    proposal, approver = propose(item), make_user(Role.APPROVER)
    awaited.add("movement:1", "-25.5", "fee")
    match_again(now=NOW)

    assert isinstance(refused(lambda: approve(proposal, approver)), StatementItemClosed)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"reason_code": "guessed"}, "reason_code"), ({"reason_code": "booked_as_movement"}, "movement"),
        ({"movement_id": 1}, "movement"), ({"explanation": "  "}, "explanation"),
    ],
)  # fmt: skip
def test_resolution_that_does_not_fit_together_is_refused(
    item: StatementItem, given: dict[str, Any], wrong: str
) -> None:
    who = make_user(Role.FINANCE)

    refusal = refused(lambda: propose(item, proposer=who, **given))

    assert (type(refusal), refusal.facts) == (StatementResolutionIncomplete, {"wrong": wrong})


def test_resolution_by_a_movement_that_is_not_booked_is_refused(item: StatementItem) -> None:
    propose_movement(opening(BANK, 1_000), now=NOW)
    waiting, who = TreasuryMovement.objects.get().pk, make_user(Role.FINANCE)
    for number in (waiting, 999):
        refusal = refused(
            lambda number=number: propose(
                item, proposer=who, reason_code="booked_as_movement", movement_id=number
            )
        )
        assert (type(refusal), refusal.facts) == (StatementCorrectionMissing, {"movement_id": number})


def test_resolution_by_a_movement_matches_it_where_it_is_expected(
    item: StatementItem, awaited: Expectations
) -> None:
    movement = book(opening(BANK, 1_000), now=NOW).movement_id
    awaited.add(f"movement:{movement}", "-25", "written otherwise")

    approve(propose(item, reason_code="booked_as_movement", movement_id=movement), make_user(Role.APPROVER))

    match = StatementMatch.objects.get()
    assert [one.key for one in match.expectations.all()] == [f"movement:{movement}"]
    assert match.difference_xof == Decimal("-0.5")
