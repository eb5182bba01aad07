"""Members join and leave groups, and change their name or phone."""

from datetime import datetime

from django.db import transaction

from payouts.errors import MemberExists, MemberLeft, MemberMissing, MemberNotOfGroup
from payouts.models import Member
from payouts.queries.people import known_names, known_phones
from payouts.services.groups import locked_group
from payouts.services.lookups import store_person
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.privacy import lock_person, seal
from transfers.services.disbursements import rename_payee
from transfers.types import member_ref


def add_member(
    *, group_id: str, user_id: str, display_name: str, phone: str = "", actor: Actor, now: datetime
) -> None:
    """Add a member to a group, also one who left it before; existing cycles do not change.

    Name and phone are encrypted under the person's own key and are not in the trail. A phone that a known person
    did not have counts as replaced.
    Raises: GroupMissing, MemberExists, PersonErased.
    """
    with transaction.atomic():
        locked_group(group_id)
        rows = Member.objects.filter(group_id=group_id, user_id=user_id)
        if rows.filter(left_at=None).exists():
            raise MemberExists(group_id=group_id, user_id=user_id)
        person = member_ref(user_id)
        sealed_name, sealed_phone = seal(person, display_name), seal(person, phone)
        lock_person(person)
        is_new_phone = _is_new(phone, user_id)
        row = rows.first() or Member(group_id=group_id, user_id=user_id)
        row.sealed_name, row.sealed_phone = sealed_name, sealed_phone
        row.added_at, row.left_at = now, None
        if is_new_phone:
            row.phone_replaced_at = now
        row.save()
        store_person(user_id)
        facts = {"user_id": user_id, **({"phone_replaced": True} if is_new_phone else {})}
        trail.record(subject=f"group:{group_id}", action="add_member", actor=actor, at=now, facts=facts)


def remove_member(*, group_id: str, user_id: str, actor: Actor, now: datetime) -> None:
    """Record that a member left a group: cycles created from then on are without them, existing ones do not change.

    Raises: GroupMissing, MemberNotOfGroup, MemberLeft.
    """
    with transaction.atomic():
        locked_group(group_id)
        row = Member.objects.filter(group_id=group_id, user_id=user_id).first()
        if row is None:
            raise MemberNotOfGroup(group_id=group_id, user_id=user_id)
        if row.left_at is not None:
            raise MemberLeft(group_id=group_id, user_id=user_id, left_at=row.left_at)
        Member.objects.filter(pk=row.pk).update(left_at=now)
        trail.record(
            subject=f"group:{group_id}", action="remove_member", actor=actor, at=now,
            facts={"user_id": user_id},
        )  # fmt: skip


def change_member(
    *,
    user_id: str,
    display_name: str | None = None,
    phone: str | None = None,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    """Change a person's name or phone, in all groups at once.

    A phone that they did not have is replaced at that moment: payouts to a phone that are requested from then on
    wait 24 hours, above the limit of replaced destinations.
    Raises: MemberMissing, PersonErased.
    """
    person = member_ref(user_id)
    with transaction.atomic():
        rows = Member.objects.filter(user_id=user_id)
        if not rows.exists():
            raise MemberMissing(user_id=user_id)
        lock_person(person)
        facts = {}
        if display_name is not None and known_names(user_id) != {display_name}:
            sealed_name = seal(person, display_name)
            rows.update(sealed_name=sealed_name)
            rename_payee(person_ref=person, sealed_name=sealed_name)
            facts["name_changed"] = True
        if phone is not None and known_phones(user_id) != {phone}:
            facts["phone_changed"] = True
            if _is_new(phone, user_id):
                rows.update(phone_replaced_at=now)
                facts["phone_replaced"] = True
            rows.update(sealed_phone=seal(person, phone))
        if facts:
            store_person(user_id)
            trail.record(
                subject=person, action="change_member", actor=actor, at=now, reason=reason, facts=facts
            )


def _is_new(phone: str, user_id: str) -> bool:
    """Return whether a known person gives a phone that no membership of theirs has now."""
    known = known_phones(user_id)
    return bool(phone) and bool(known) and phone not in known
