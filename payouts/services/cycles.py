"""Create a cycle, set its destination, and mark it ready once every contribution is settled."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from payouts.calculations import cycle_subject
from payouts.enums import CYCLE_TRANSITIONS, CycleState
from payouts.errors import (
    CycleAlreadyPaid,
    CycleCancelled,
    CycleExists,
    CycleIndexTaken,
    CycleMissing,
    DestinationLocked,
    GroupWithoutMembers,
    PotExceedsBitcoinSupply,
    SecondChoiceSame,
    WinnerNotMember,
)
from payouts.models import Contribution, Cycle
from payouts.queries.cycles import (
    missing_contributions,
    net_sats,
    payout_in_force,
    settled_counts,
)
from payouts.queries.groups import members_of
from payouts.queries.people import choices_of
from payouts.services.groups import locked_group
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.money import MAX_SATS, msat_from_sats
from sunusav.core.outbox import announce
from sunusav.core.privacy import keys_for
from sunusav.core.transactions import retried_on_deadlock
from sunusav.core.transitions import move
from transfers.destination_queries import open_destinations
from transfers.enums import PAID_STATES
from transfers.errors import (
    DestinationAmountDiffers,
    DisbursementNotRetryable,
)
from transfers.queries import has_open_attempt
from transfers.rails import rail
from transfers.services.destinations import seal_destination
from transfers.services.disbursements import replace_destinations, require_payable
from transfers.types import Choice, Destination, DisbursementFacts, member_ref

READINESS = Actor.system("payouts.readiness")
CYCLES_AT_A_TIME = 100


def create_cycle(
    *,
    cycle_id: str,
    group_id: str,
    cycle_index: int,
    contribution_sats: int,
    winner_user_id: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Create a cycle to which each current member owes one contribution.

    Raises: GroupMissing, GroupWithoutMembers, WinnerNotMember, PotExceedsBitcoinSupply, CycleExists, CycleIndexTaken.
    """
    with transaction.atomic():
        locked_group(group_id)
        members = members_of(group_id)
        _require_valid_cycle(group_id, members, winner_user_id, contribution_sats)
        row = Cycle(
            pk=cycle_id, group_id=group_id, cycle_index=cycle_index, contribution_sats=contribution_sats,
            winner_user_id=winner_user_id, members_count=len(members), created_at=now,
        )  # fmt: skip
        _insert_cycle(row)
        Contribution.objects.bulk_create(
            [Contribution(cycle=row, user_id=user_id, amount_sats=contribution_sats) for user_id in members]
        )
        trail.record(
            subject=cycle_subject(cycle_id), action="create", to_state=row.state, actor=actor, at=now,
            facts={"group": group_id, "index": cycle_index, "members": len(members), "winner": winner_user_id,
                   "contribution_sats": contribution_sats},
        )  # fmt: skip


def set_destination(
    *,
    cycle_id: str,
    destination: Destination,
    actor: Actor,
    now: datetime,
    second_choice: Destination | None = None,
    reason: str = "",
) -> None:
    """Set where the winner is paid, and where if that is finally refused; a payout not paid yet is redirected.

    A destination that can never be paid is refused. An amount in it is checked once the net is fixed.
    Raises: CycleMissing, CycleCancelled, CycleAlreadyPaid, DestinationLocked, SecondChoiceSame, RailUnknown, and the
    refusals of the rails.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        payout = require_destinations(row, destination, second_choice, now=now)
        first, second = chosen_now(row, destination, second_choice, now=now)
        _store_choices(row, first, second, now=now)
        if payout is not None:
            _redirect(row, payout, actor=actor, now=now)
        facts: dict[str, Any] = {
            "rail": destination.rail, "kind": destination.kind, "replaced": first.replaced_at == now,
        }  # fmt: skip
        if second is not None:
            facts |= {
                "second_rail": second.destination.rail, "second_kind": second.destination.kind,
                "second_replaced": second.replaced_at == now,
            }  # fmt: skip
        trail.record(
            subject=cycle_subject(cycle_id), action="set_destination", actor=actor, at=now, reason=reason,
            facts=facts,
        )  # fmt: skip


def require_destinations(
    row: Cycle, destination: Destination, second_choice: Destination | None, *, now: datetime
) -> DisbursementFacts | None:
    """Refuse destinations that a cycle cannot have; return its payout in force. Raises: as `set_destination`."""
    if second_choice == destination:
        raise SecondChoiceSame(cycle_id=row.pk)
    require_not_cancelled(row)
    payout = payout_in_force(row.pk)
    _require_unpaid(row, payout)
    for one in (destination, second_choice):
        if one is not None:
            _require_acceptable(row, one, payout, now)
    return payout


def chosen_now(
    row: Cycle, destination: Destination, second_choice: Destination | None, *, now: datetime
) -> tuple[Choice, Choice | None]:
    """Return these destinations, each with the moment since which it is another payee's. Raises: PersonErased."""
    before = _choices_before(row)
    first = Choice(destination, _replaced_at(row, before[:1], destination, now))
    if second_choice is None:
        return first, None
    return first, Choice(second_choice, _replaced_at(row, before[1:], second_choice, now))


def _choices_before(row: Cycle) -> list[Choice]:
    return [Choice(*one) for one in zip(open_destinations(row.destinations), row.replaced_at, strict=True)]


def _store_choices(row: Cycle, first: Choice, second: Choice | None, *, now: datetime) -> None:
    person = member_ref(row.winner_user_id)
    keys = keys_for(person)
    chosen: dict[str, Any] = {"destination_set_at": now}
    for prefix, choice in (("destination", first), ("second", second)):
        one = seal_destination(keys, person, choice.destination) if choice else None
        chosen |= {
            f"{prefix}_rail": one.rail if one else "", f"{prefix}_kind": one.kind if one else "",
            f"sealed_{prefix}": one.sealed_value if one else None,
            f"{prefix}_replaced_at": choice.replaced_at if choice else None,
        }  # fmt: skip
    Cycle.objects.filter(pk=row.pk).update(**chosen)
    for name, value in chosen.items():
        setattr(row, name, value)


def record_ready_cycles(*, now: datetime, contribution_id: int | None = None) -> int:
    """Make collecting cycles ready when all their contributions are settled in full; return how many.

    With a contribution, only its cycle is checked.
    """
    return sum(_record_ready(cycle_id, now=now) for cycle_id in _complete_cycles(contribution_id))


def locked_cycle(cycle_id: str) -> Cycle:
    """Lock a cycle and return its row. Raises: CycleMissing."""
    row = Cycle.objects.select_for_update().filter(pk=cycle_id).first()
    if row is None:
        raise CycleMissing(cycle_id=cycle_id)
    return row


def require_not_cancelled(row: Cycle) -> None:
    """Refuse a cancelled cycle. Raises: CycleCancelled."""
    if row.state == CycleState.CANCELLED:
        raise CycleCancelled(cycle_id=row.pk, cycle_status=row.state)


def mark_ready(
    row: Cycle, *, settled_count: int, action: str, actor: Actor, reason: str, now: datetime
) -> None:
    """Make a locked, collecting cycle ready with the contributions that are settled, in the caller's transaction."""
    move(
        row, CycleState.READY, allowed=CYCLE_TRANSITIONS, subject=cycle_subject(row.pk), action=action,
        actor=actor, at=now, reason=reason, facts={"settled": settled_count, "members": row.members_count},
        ready_at=now, settled_count=settled_count,
    )  # fmt: skip
    payload = {
        "cycle_id": row.pk, "payout_total_sats": row.payout_total_sats, "contributions_settled": settled_count,
        "contributions_due": row.members_count, "is_short": row.is_short,
    }  # fmt: skip
    announce(topic="cycle.ready", subject=cycle_subject(row.pk), payload=payload, at=now)


def _require_valid_cycle(group_id: str, members: Sequence[str], winner: str, contribution_sats: int) -> None:
    if not members:
        raise GroupWithoutMembers(group_id=group_id)
    if winner not in members:
        raise WinnerNotMember(group_id=group_id, winner_user_id=winner)
    total_sats = len(members) * contribution_sats
    if total_sats > MAX_SATS:
        raise PotExceedsBitcoinSupply(payout_total_sats=total_sats, maximum_sats=MAX_SATS)


def _insert_cycle(row: Cycle) -> None:
    """Insert a cycle. The caller holds the lock of its group. Raises: CycleIndexTaken, CycleExists."""
    taken = Cycle.objects.filter(group_id=row.group_id, cycle_index=row.cycle_index).first()
    if taken is not None and taken.pk != row.pk:
        raise CycleIndexTaken(group_id=row.group_id, cycle_index=row.cycle_index, cycle_id=taken.pk)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise CycleExists(cycle_id=row.pk) from None


def _require_unpaid(row: Cycle, payout: DisbursementFacts | None) -> None:
    if payout is None:
        return
    if payout.state in PAID_STATES:
        raise CycleAlreadyPaid(cycle_id=row.pk, payout_id=payout.id, payout_status=payout.state)
    if has_open_attempt(payout.id):
        raise DestinationLocked(cycle_id=row.pk, payout_id=payout.id)


def _redirect(row: Cycle, payout: DisbursementFacts, *, actor: Actor, now: datetime) -> None:
    """Change the destinations of a payout. Raises: CycleAlreadyPaid, DestinationLocked, if a worker was faster."""
    try:
        replace_destinations(disbursement_id=payout.id, choices=choices_of(row), actor=actor, now=now)
    except DisbursementNotRetryable:
        _require_unpaid(row, payout_in_force(row.pk))
        raise DestinationLocked(cycle_id=row.pk, payout_id=payout.id) from None


def _require_acceptable(
    row: Cycle, destination: Destination, payout: DisbursementFacts | None, now: datetime
) -> None:
    """Refuse a destination that could never be paid. Uses no network.

    Before the net is fixed, the destination is checked against the expected net. The net may still change, so a
    different amount is accepted.
    """
    payout_id = payout.id if payout else 0
    net_msat = msat_from_sats(net_sats(row, payout, at=now))
    pay_xof = payout.pay_xof if payout else None
    try:
        require_payable(destination, disbursement_id=payout_id, net_msat=net_msat, pay_xof=pay_xof, now=now)
    except DestinationAmountDiffers:
        if payout is not None and payout.net_msat is not None:
            raise


def _replaced_at(
    row: Cycle, before: Sequence[Choice], destination: Destination, now: datetime
) -> datetime | None:
    """Return when the payee at this choice of a ready cycle last changed; None if it never did.

    Changing back to an earlier payee counts, and so do another winner and a second choice added to a first. The first
    destination of a winner does not count otherwise; neither does a new destination of the same payee.
    """
    last_replaced_at = before[0].replaced_at if before else row.winner_replaced_at
    if row.state != CycleState.READY or not row.destination_rail:
        return last_replaced_at
    if before and _have_same_payee(before[0].destination, destination):
        return last_replaced_at
    return now


def _have_same_payee(before: Destination, after: Destination) -> bool:
    if before.rail != after.rail:
        return False
    paying = rail(after.rail)
    return paying.payee_of(before) == paying.payee_of(after)


def _complete_cycles(contribution_id: int | None) -> Iterator[str]:
    """Yield the collecting cycles whose contributions are all settled, read without locks."""
    collecting = Cycle.objects.filter(state=CycleState.COLLECTING)
    if contribution_id is not None:
        collecting = collecting.filter(contributions__pk=contribution_id)
    rows = list(collecting.values_list("pk", "members_count"))
    for start in range(0, len(rows), CYCLES_AT_A_TIME):
        page = rows[start : start + CYCLES_AT_A_TIME]
        settled = settled_counts([pk for pk, _ in page])
        yield from (pk for pk, members_count in page if settled[pk] == members_count)


@retried_on_deadlock
def _record_ready(cycle_id: str, *, now: datetime) -> bool:
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        if row.state != CycleState.COLLECTING or missing_contributions(row):
            return False
        mark_ready(
            row, settled_count=row.members_count, action="complete", actor=READINESS, reason="", now=now
        )
    return True
