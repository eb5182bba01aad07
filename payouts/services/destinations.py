"""Where a winner is paid: finance proposes it, another person approves it. Nothing of it is kept in clear."""

from datetime import datetime
from typing import Any

from django.db import transaction

from payouts.enums import CYCLE_DESTINATION
from payouts.models import Cycle, ProposedDestination
from payouts.queries.cycles import stored_cycle
from payouts.queries.destinations import newest_destination
from payouts.queries.people import PHONE, known_phones
from payouts.services.cycles import (
    chosen_now,
    locked_cycle,
    require_destinations,
    require_not_cancelled,
    set_destination,
)
from sunusav.core.actors import Actor
from sunusav.core.approvals import (
    ProposalAlreadyOpen,
    ProposalFactsChanged,
    digest_of,
    open_proposal,
    propose,
    require_as_proposed,
)
from sunusav.core.models import Proposal, User
from sunusav.core.privacy import PersonKeys, keys_for, keys_of
from transfers.destination_queries import opened_with
from transfers.services.destinations import digest_of_destination, seal_destination
from transfers.types import Destination, member_ref


def propose_destination(
    *,
    cycle_id: str,
    destination: Destination,
    second_choice: Destination | None = None,
    reason: str,
    proposer: User,
    now: datetime,
) -> Proposal:
    """Propose to a second person where a cycle's winner is paid.

    Raises: as `set_destination`, PersonErased, and as `approvals.propose`.
    """
    with transaction.atomic():
        row = locked_cycle(cycle_id)
        require_destinations(row, destination, second_choice, now=now)
        _require_none_waits(cycle_id)
        _store(row, destination, second_choice, now=now)
        return propose(kind=CYCLE_DESTINATION, subject_id=cycle_id, proposer=proposer, now=now, reason=reason)


def describe_destination(cycle_id: str) -> dict[str, Any]:
    """Return the facts an approval is bound to: whose turn it is, the pot, where they are paid now, and where then.

    The digests are keyed with the person's key: they tell destinations apart and do not show them.
    Raises: CycleMissing, CycleCancelled.
    """
    row = stored_cycle(cycle_id)
    require_not_cancelled(row)
    proposed = newest_destination(cycle_id)
    facts = {
        "cycle_id": row.pk, "winner": row.winner_user_id, "rail": proposed.rail, "kind": proposed.kind,
        "destination_digest": proposed.digest, "digest_before": _digest_now(row),
        "payout_total_sats": row.payout_total_sats,
    }  # fmt: skip
    if proposed.second_rail:
        facts |= {
            "second_rail": proposed.second_rail, "second_kind": proposed.second_kind,
            "second_digest": proposed.second_digest,
        }  # fmt: skip
    return facts


def set_destination_as_approved(proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Set the destination; runs when a second person approves it.

    One that is another payee's counts as replaced from now on: above a limit the payout waits, as after the API's call.
    Raises: as `set_destination`, PersonErased, ProposalFactsChanged.
    """
    row = locked_cycle(proposal.subject_id)
    require_as_proposed(proposal, describe_destination(proposal.subject_id))
    proposed = newest_destination(row.pk)
    keys = keys_of([member_ref(row.winner_user_id)])
    opened = [opened_with(keys, one) for one in proposed.destinations]
    digests = [_digest(keys, row, one) for one in opened]
    if digests != [digest for digest in (proposed.digest, proposed.second_digest) if digest]:
        raise ProposalFactsChanged(proposal_id=str(proposal.pk))
    set_destination(
        cycle_id=row.pk, destination=opened[0], second_choice=opened[1] if opened[1:] else None,
        reason=proposal.reason, actor=actor, now=now,
    )  # fmt: skip


def is_another_payee(cycle_id: str, *, now: datetime) -> bool:
    """Return whether the proposed destination, or the second choice, would count as replaced: the cooling-off begins.

    Raises: CycleMissing, PersonErased.
    """
    row = stored_cycle(cycle_id)
    keys = keys_of([member_ref(row.winner_user_id)])
    first, *others = [opened_with(keys, one) for one in newest_destination(cycle_id).destinations]
    chosen = chosen_now(row, first, others[0] if others else None, now=now)
    return any(choice is not None and choice.replaced_at == now for choice in chosen)


def are_own_phones(cycle_id: str) -> list[bool | None]:
    """Return of the proposed destination and the second choice whether it is a phone that the winner has in a group.

    None stands for what is no phone. Raises: CycleMissing, PersonErased.
    """
    row = stored_cycle(cycle_id)
    keys = keys_of([member_ref(row.winner_user_id)])
    known = known_phones(row.winner_user_id)
    opened = (opened_with(keys, one) for one in newest_destination(cycle_id).destinations)
    return [one.value in known if one.kind == PHONE else None for one in opened]


def _store(row: Cycle, destination: Destination, second: Destination | None, *, now: datetime) -> None:
    person = member_ref(row.winner_user_id)
    keys = keys_for(person)
    ProposedDestination.objects.create(
        cycle=row, winner_user_id=row.winner_user_id, rail=destination.rail, kind=destination.kind,
        sealed_value=seal_destination(keys, person, destination).sealed_value,
        digest=_digest(keys, row, destination), second_rail=second.rail if second else "",
        second_kind=second.kind if second else "",
        sealed_second=seal_destination(keys, person, second).sealed_value if second else None,
        second_digest=_digest(keys, row, second) if second else "", proposed_at=now,
    )  # fmt: skip


def _require_none_waits(cycle_id: str) -> None:
    """Refuse another destination while one can still be approved: a new row would void it."""
    waiting = open_proposal(CYCLE_DESTINATION, cycle_id)
    if waiting is None:
        return
    if waiting.digest == digest_of(CYCLE_DESTINATION, cycle_id, describe_destination(cycle_id)):
        raise ProposalAlreadyOpen(kind=CYCLE_DESTINATION, subject_id=cycle_id, proposal_id=str(waiting.pk))


def _digest_now(row: Cycle) -> str:
    """Return the digest of where the winner is paid now, the second choice included; empty for nowhere."""
    if not row.destinations:
        return ""
    keys = keys_of([member_ref(row.winner_user_id)])
    opened = [opened_with(keys, one) for one in row.destinations]
    return keys.digest(member_ref(row.winner_user_id), " ".join(_digest(keys, row, one) for one in opened))


def _digest(keys: PersonKeys, row: Cycle, destination: Destination) -> str:
    return digest_of_destination(keys, member_ref(row.winner_user_id), destination)
