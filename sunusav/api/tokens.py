"""Issuing and revoking API tokens. Only the digest of a token is stored, and only that is logged."""

from datetime import datetime, timedelta

from django.contrib.auth.models import Group
from django.db import transaction
from knox.models import AuthToken

from sunusav.api.authentication import forget_tokens
from sunusav.api.errors import (
    AccountDisabled,
    AccountMissing,
    OtherRoleHeld,
    RoleNeedsPerson,
    ServiceIsNotPerson,
)
from sunusav.core import trail
from sunusav.core.actors import Actor
from sunusav.core.models import User
from sunusav.core.roles import Role, sync_roles

SERVICE_DAYS = 365
PERSON_DAYS = 90
# Decisions of these roles bind money, so a person must be responsible for them.
PERSONAL_ROLES = {Role.FINANCE, Role.APPROVER}


def issue_token(
    *,
    name: str,
    role: Role,
    actor: Actor,
    now: datetime,
    days: int | None = None,
    creates_person: bool = False,
) -> str:
    """Issue a token and return it; it cannot be shown again. A service's account is created when it is missing.

    Raises: RoleNeedsPerson, ServiceIsNotPerson, OtherRoleHeld, AccountDisabled.
    """
    with transaction.atomic():
        user = _holder(name, role, creates_person=creates_person)
        _give_role(user, role)
        lifetime = timedelta(days=days or (SERVICE_DAYS if user.is_service else PERSON_DAYS))
        stored, token = AuthToken.objects.create(user=user, expiry=lifetime)
        facts = {"digest": stored.digest[:12], "role": role.value, "expires_at": stored.expiry.isoformat()}
        trail.record(subject=f"user:{name}", action="issue_token", actor=actor, at=now, facts=facts)
    return str(token)


def revoke_tokens(*, name: str, actor: Actor, now: datetime) -> int:
    """Revoke every token of an account; each fails within a second. Raises: AccountMissing."""
    with transaction.atomic():
        user = User.objects.filter(username=name).first()
        if user is None:
            raise AccountMissing(name=name)
        count: int = AuthToken.objects.filter(user=user).delete()[0]
        trail.record(
            subject=f"user:{name}", action="revoke_tokens", actor=actor, at=now, facts={"tokens": count}
        )
    forget_tokens()
    return count


def delete_expired_tokens(*, now: datetime) -> int:
    """Delete expired tokens; return how many."""
    count: int = AuthToken.objects.filter(expiry__lt=now).delete()[0]
    return count


def _holder(name: str, role: Role, *, creates_person: bool) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        return _create(name, role, creates_person=creates_person)
    if not user.is_active:
        raise AccountDisabled(name=name)
    if user.is_service and creates_person:
        raise ServiceIsNotPerson(name=name)
    if user.is_service and role in PERSONAL_ROLES:
        raise RoleNeedsPerson(name=name, role=role.value)
    return user


def _create(name: str, role: Role, *, creates_person: bool) -> User:
    if role in PERSONAL_ROLES and not creates_person:
        raise RoleNeedsPerson(name=name, role=role.value)
    user = User(username=name, is_service=not creates_person, is_staff=creates_person)
    user.set_unusable_password()
    user.full_clean(exclude=["password"])
    user.save()
    return user


def _give_role(user: User, role: Role) -> None:
    """Assign the role to an account that has none. Raises: OtherRoleHeld."""
    if not Group.objects.filter(name=role.value).exists():
        sync_roles()
    held = set(user.groups.values_list("name", flat=True))
    if held and role.value not in held:
        raise OtherRoleHeld(name=user.get_username(), role=", ".join(sorted(held)))
    user.groups.add(Group.objects.get(name=role.value))
