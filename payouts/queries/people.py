"""Reads of a person: one member, in all their groups."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from payouts.errors import MemberMissing
from payouts.models import Cycle, Member, ProposedCorrection
from payouts.queries.groups import masked
from payouts.types import PersonFacts
from sunusav.core.privacy import reveal
from transfers.destination_queries import open_destinations
from transfers.types import Choice, member_ref

PHONE = "phone"


def memberships(user_id: str) -> list[Member]:
    """Return the rows of a person in all groups, also those they left, in the order in which they were stored."""
    return list(Member.objects.filter(user_id=user_id).order_by("pk"))


def newest_memberships(user_ids: Iterable[str]) -> dict[str, int]:
    """Return the key of each person's newest row, in one query."""
    rows = Member.objects.filter(user_id__in=set(user_ids)).order_by("pk")
    return dict(rows.values_list("user_id", "pk"))


def person(user_id: str) -> PersonFacts:
    """Return a person as last named, with the groups they are in now. Raises: MemberMissing."""
    rows = list(Member.objects.filter(user_id=user_id).order_by("added_at", "pk"))
    if not rows:
        raise MemberMissing(user_id=user_id)
    (shown,) = masked(rows[-1:])
    return PersonFacts(
        user_id=user_id, masked_name=shown.name, masked_phone=shown.phone,
        phone_replaced_at=phone_replaced_at(user_id),
        groups=tuple(sorted(row.group_id for row in rows if row.left_at is None)),
    )  # fmt: skip


def phone_replaced_at(user_id: str) -> datetime | None:
    """Return when a person last gave a phone that they did not have; None if they never did."""
    found: datetime | None = Member.objects.filter(user_id=user_id).aggregate(at=Max("phone_replaced_at"))[
        "at"
    ]
    return found


def newest_correction(user_id: str) -> ProposedCorrection:
    """Return the last correction that was proposed of a person. Raises: MemberMissing, also when there is none."""
    row = ProposedCorrection.objects.filter(user_id=user_id).order_by("-pk").first()
    if row is None:
        raise MemberMissing(user_id=user_id)
    return row


def choices_of(row: Cycle) -> tuple[Choice, ...]:
    """Return where the winner is paid; a phone counts as replaced when the winner last gave a new one.

    Raises: PersonErased.
    """
    opened = zip(open_destinations(row.destinations), row.replaced_at, strict=True)
    return since_new_phone(tuple(Choice(*one) for one in opened), row.winner_user_id)


def since_new_phone(choices: tuple[Choice, ...], user_id: str) -> tuple[Choice, ...]:
    """Return these choices of a payee, each phone among them replaced no earlier than the payee's own phone."""
    if all(choice.destination.kind != PHONE for choice in choices):
        return choices
    replaced_at = phone_replaced_at(user_id)
    return tuple(_since(choice, replaced_at) for choice in choices)


def sealed_name_for(choices: tuple[Choice, ...], user_id: str) -> bytes | None:
    """Return the encrypted name of a payee of whom a phone is paid: a partner may compare it. None for all others."""
    if all(choice.destination.kind != PHONE for choice in choices):
        return None
    newest = Member.objects.filter(user_id=user_id).order_by("-pk").first()
    return bytes(newest.sealed_name) if newest is not None else None


def known_names(user_id: str) -> set[str]:
    """Return the names of a person in all groups, unmasked. Raises: PersonErased."""
    return _revealed(user_id, "sealed_name")


def known_phones(user_id: str) -> set[str]:
    """Return the phones of a person in all groups, unmasked; an empty one stands for none. Raises: PersonErased."""
    return _revealed(user_id, "sealed_phone")


def _since(choice: Choice, replaced_at: datetime | None) -> Choice:
    moments = [moment for moment in (choice.replaced_at, replaced_at) if moment is not None]
    if choice.destination.kind != PHONE or not moments:
        return choice
    return Choice(choice.destination, max(moments))


def _revealed(user_id: str, column: str) -> set[str]:
    sealed = Member.objects.filter(user_id=user_id).values_list(column, flat=True)
    return {reveal(member_ref(user_id), bytes(one)) for one in sealed}
