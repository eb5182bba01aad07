"""Differences from statements: who works on one, and how two people resolve it. Nothing is booked here."""

from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from django.db import transaction

from sunusav.core import approvals, trail
from sunusav.core.actors import Actor
from sunusav.core.locks import lock
from sunusav.core.models import Proposal, User
from sunusav.core.transitions import move
from transfers.models import (
    BookedMovement,
    ItemResolution,
    ResolvedItem,
    StatementItem,
    StatementLine,
    StatementMatch,
)
from transfers.statement_enums import ITEM_TRANSITIONS, STATEMENT_ITEM, ItemReason, ItemState, MatchMethod
from transfers.statement_errors import (
    StatementCorrectionMissing,
    StatementItemOwnerInvalid,
    StatementResolutionIncomplete,
    StatementResolutionMissing,
)
from transfers.statements.decisions import Group
from transfers.statements.matching import (
    STATEMENTS_LOCK,
    expected_of,
    found_line,
    store_matches,
    subject_of,
)
from transfers.statements.queries import amount_fact, item_of, keys_of, open_item
from transfers.statements.sources import expected_by_keys

ASSIGN: Final = "transfers.assign_statement_item"


def take_item(*, item_id: int, taker: User, now: datetime) -> StatementItem:
    """Have a person own a difference. Raises: StatementItemMissing, StatementItemClosed."""
    return _assign(item_id, owner=taker, actor=taker, action="take_item", reason="", now=now)


def give_item(*, item_id: int, owner: str, giver: User, reason: str, now: datetime) -> StatementItem:
    """Have another person own a difference, for a reason that is kept.

    Raises: StatementItemMissing, StatementItemClosed, StatementItemOwnerInvalid.
    """
    person = User.objects.filter(username=owner, is_active=True).first()
    if person is None or not person.has_perm(ASSIGN):
        raise StatementItemOwnerInvalid(owner=owner)
    return _assign(item_id, owner=person, actor=giver, action="give_item", reason=reason, now=now)


def _assign(
    item_id: int, *, owner: User, actor: User, action: str, reason: str, now: datetime
) -> StatementItem:
    with transaction.atomic():
        lock(STATEMENTS_LOCK)
        item = open_item(item_id)
        StatementItem.objects.filter(pk=item.pk, state=ItemState.OPEN).update(owner=owner)
        trail.record(
            subject=subject_of(item.pk), action=action, actor=Actor.of(actor), at=now, reason=reason,
            facts={"item_owner": owner.get_username()},
        )  # fmt: skip
    item.owner = owner
    return item


def comment_item(*, item_id: int, author: User, text: str, now: datetime) -> None:
    """Keep what a person found out about a difference, open or closed. Raises: StatementItemMissing."""
    item = item_of(item_id)
    trail.record(
        subject=subject_of(item.pk), action="comment_item", actor=Actor.of(author), at=now, reason=text
    )


def propose_resolution(
    *,
    item_id: int,
    reason_code: str,
    explanation: str,
    proposer: User,
    now: datetime,
    movement_id: int | None = None,
) -> Proposal:
    """Propose to a second person to close a difference, and why.

    A movement of the treasury is named where the correction was booked by one. Raises: StatementItemMissing,
    StatementItemClosed, StatementResolutionIncomplete, StatementCorrectionMissing; and as `approvals.propose`.
    """
    _require_complete(reason_code, explanation, movement_id)
    with transaction.atomic():
        lock(STATEMENTS_LOCK)
        item = open_item(item_id)
        _require_booked(movement_id)
        row = ItemResolution.objects.create(
            item=item, reason_code=reason_code, movement_id=movement_id, explanation=explanation.strip(),
            proposer=proposer, proposed_at=now,
        )  # fmt: skip
        return approvals.propose(
            kind=STATEMENT_ITEM, subject_id=str(item.pk), proposer=proposer, now=now, reason=row.explanation
        )


def _require_complete(reason_code: str, explanation: str, movement_id: int | None) -> None:
    is_booked = reason_code == ItemReason.BOOKED_AS_MOVEMENT
    checks = {
        "reason_code": reason_code in ItemReason.values,
        "movement": is_booked is (movement_id is not None),
        "explanation": bool(explanation.strip()),
    }
    wrong = next((name for name, is_right in checks.items() if not is_right), "")
    if wrong:
        raise StatementResolutionIncomplete(wrong=wrong)


def _require_booked(movement_id: int | None) -> None:
    if movement_id is not None and not BookedMovement.objects.filter(movement=movement_id).exists():
        raise StatementCorrectionMissing(movement_id=movement_id)


def describe_resolution(subject_id: str) -> dict[str, Any]:
    """Return the facts to approve: the difference as it is, and how it is to be closed.

    Raises: StatementItemMissing, StatementItemClosed, StatementResolutionMissing.
    """
    item = open_item(subject_id)
    return _facts(item, resolution_of(item))


def resolution_of(item: StatementItem) -> ItemResolution:
    """Return the newest proposed resolution of a difference. Raises: StatementResolutionMissing."""
    row = item.resolutions.order_by("-pk").first()
    if row is None:
        raise StatementResolutionMissing(item_id=str(item.pk))
    return row


def _facts(item: StatementItem, row: ItemResolution) -> dict[str, Any]:
    return {
        "statement_source": item.source, "item_code": item.code, "item_reference": item.reference,
        "item_subject": item.subject, "expected_xof": amount_fact(item.expected_xof),
        "found_xof": amount_fact(item.found_xof),
        "at_stake_xof": int(item.at_stake_xof.to_integral_value(ROUND_CEILING)), "item_lines": item.lines,
        "item_expectations": keys_of([item]), "item_resolution": row.pk, "reason_code": row.reason_code,
        "movement": row.movement_id, "explanation": row.explanation,
    }  # fmt: skip


def resolve_item(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Close a difference; called when a second person approves it. Its lines and expectations are not matched again.

    Raises: StatementItemMissing, StatementItemClosed, StatementResolutionMissing, StatementCorrectionMissing,
    ProposalFactsChanged.
    """
    assert actor.user_id is not None, "people approve"  # noqa: S101  (a programmer's mistake)
    lock(STATEMENTS_LOCK)
    item = open_item(proposal.subject_id)
    row = resolution_of(item)
    approvals.require_as_proposed(proposal, _facts(item, row))
    _require_booked(row.movement_id)
    ResolvedItem.objects.create(
        resolution=row, match=_matched(item, row, now), proposal=proposal, proposer_id=proposal.proposer_id,
        approver_id=actor.user_id, resolved_at=now,
    )  # fmt: skip
    move(
        item, ItemState.RESOLVED, allowed=ITEM_TRANSITIONS, subject=subject_of(item.pk), action="resolve_item",
        actor=actor, at=now, closed_at=now,
        facts={"reason_code": row.reason_code, "movement": row.movement_id},
    )  # fmt: skip


def _matched(item: StatementItem, row: ItemResolution, now: datetime) -> StatementMatch:
    """Store what is closed, with the movement that corrected it where a statement expects that too."""
    lines = [found_line(one) for one in StatementLine.objects.filter(pk__in=item.lines).order_by("pk")]
    expected = {one.key: one for one in expected_of(item)}
    if row.movement_id is not None:
        booked = expected_by_keys(item.source, [f"movement:{row.movement_id}"])
        expected = {**expected, **{one.key: one for one in booked}}
    group = Group(tuple(lines), tuple(expected.values()), MatchMethod.RESOLUTION)
    (match,) = store_matches(item.source, [group], items={group.key: item}, now=now)
    return match


def difference_of(item: StatementItem) -> Decimal:
    """Return how much more was found than expected."""
    difference: Decimal = item.found_xof - item.expected_xof
    return difference
