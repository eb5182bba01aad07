from collections.abc import Sequence
from datetime import datetime
from typing import Final

from fees.queries import verified_groups
from payouts.enums import UNFINISHED_CYCLES
from payouts.errors import GroupMissing
from payouts.models import Cycle, Group, Member
from payouts.queries.cycles import cycle_facts
from payouts.types import GroupFacts, GroupFigures, MaskedPerson, MemberFacts, Position
from sunusav.core.privacy import ERASED, PersonErased, PersonKeys, keys_of, mask_name, mask_phone
from transfers.types import member_ref

# A group has a handful of cycles that are not finished: they are among these.
NEWEST_CYCLES: Final = 50
Sealed = bytes | memoryview


def group(group_id: str, *, at: datetime) -> GroupFacts:
    """Return one group. Raises: GroupMissing."""
    return _facts([stored_group(group_id)], at)[0]


def stored_group(group_id: str) -> Group:
    """Return the row of a group. Raises: GroupMissing."""
    row = Group.objects.filter(pk=group_id).first()
    if row is None:
        raise GroupMissing(group_id=group_id)
    return row


def groups_page(after: Position | None, limit: int, *, at: datetime, **filters: str) -> Sequence[GroupFacts]:
    """Return groups in the order of their identifiers, after a position; the filters are columns."""
    rows = Group.objects.filter(**filters)
    if after is not None:
        rows = rows.filter(pk__gt=after[0])
    return _facts(list(rows.order_by("pk")[:limit]), at)


def members_of(group_id: str) -> list[str]:
    """Return the identifiers of a group's present members."""
    rows = Member.objects.filter(group_id=group_id, left_at=None).order_by("user_id")
    return list(rows.values_list("user_id", flat=True))


def member(group_id: str, user_id: str) -> MemberFacts:
    """Return one member with masked name and phone, also one who left."""
    row = Member.objects.get(group_id=group_id, user_id=user_id)
    (shown,) = masked([row])
    return MemberFacts(row.group_id, row.user_id, shown.name, shown.phone, row.left_at)


def masked(rows: Sequence[Member]) -> list[MaskedPerson]:
    """Return the masked names and phones of these members, in one query for the keys of all."""
    keys = keys_of([member_ref(row.user_id) for row in rows])
    return [masked_person(keys, row.user_id, row.sealed_name, row.sealed_phone) for row in rows]


def masked_person(
    keys: PersonKeys, user_id: str, sealed_name: Sealed | None, sealed_phone: Sealed | None
) -> MaskedPerson:
    """Return a person's encrypted name as initials and phone masked; an ellipsis for each of who was erased.

    Nothing is returned for nothing.
    """
    name, phone = _revealed(keys, user_id, sealed_name), _revealed(keys, user_id, sealed_phone)
    return MaskedPerson(
        name=ERASED if name is None else mask_name(name),
        phone=ERASED if phone is None else mask_phone(phone) if phone else "",
        is_erased=keys.is_erased(member_ref(user_id)),
    )


def _revealed(keys: PersonKeys, user_id: str, sealed: Sealed | None) -> str | None:
    """Return a text in clear, an empty one for none; None if the person was erased."""
    if sealed is None:
        return ""
    try:
        return keys.reveal(member_ref(user_id), bytes(sealed))
    except PersonErased:
        return None


def _facts(rows: Sequence[Group], at: datetime) -> list[GroupFacts]:
    verified = verified_groups([row.pk for row in rows], at)
    return [
        GroupFacts(
            id=row.pk, name=row.name, country=row.country, settlement_partner=row.settlement_partner_id,
            skip_non_working_days=row.skip_non_working_days, is_verified=row.pk in verified,
            created_at=row.created_at,
        )
        for row in rows
    ]  # fmt: skip


def group_figures(group_id: str) -> GroupFigures:
    """Return how many members a group has now, its unfinished cycles among the newest, and the pot of the newest."""
    newest = list(Cycle.objects.filter(group_id=group_id).order_by("-cycle_index")[:NEWEST_CYCLES])
    unfinished = sum(cycle.status in UNFINISHED_CYCLES for cycle in cycle_facts(newest))
    usual_sats = newest[0].members_count * newest[0].contribution_sats if newest else None
    return GroupFigures(len(members_of(group_id)), unfinished, usual_sats)
