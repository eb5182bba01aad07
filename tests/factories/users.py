"""Accounts of each role, and API clients with their tokens."""

from datetime import datetime
from itertools import count
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from knox.models import AuthToken
from rest_framework.test import APIClient

from sunusav.core.models import StaffSession, User
from sunusav.core.roles import Role, sync_roles
from sunusav.core.staff_sessions import follow_session

_numbers = count(1)
# Which role has which permissions, as `sync_roles` left it; permissions are the same in every test.
_granted: list[tuple[str, int]] = []
PERSONS = {Role.FINANCE, Role.APPROVER, Role.AUDITOR}


def make_user(role: Role | None = None, **fields: Any) -> User:
    """Create an account, in the group of a role if one is named; finance, approvers and auditors are persons."""
    is_service = fields.pop("is_service", role not in PERSONS)
    name = fields.pop("username", f"{role or 'nobody'}-{next(_numbers)}")
    user = User.objects.create(username=name, is_service=is_service, **fields)
    if role is not None:
        if not Group.objects.filter(name=role.value, permissions__isnull=False).exists():
            _make_roles()
        user.groups.add(Group.objects.get(name=role.value))
    return user


def _make_roles() -> None:
    """Make the roles as `sync_roles` does; in an empty table it is repeated in two statements from the second time on.

    Most tests need an account in a role, and each starts without roles.
    """
    if not _granted or Group.objects.exists():
        sync_roles()
        _granted[:] = Group.permissions.through.objects.values_list("group__name", "permission_id")
        return
    Group.objects.bulk_create(Group(name=role.value) for role in Role)
    keys = dict(Group.objects.values_list("name", "pk"))
    granted = Group.permissions.through
    granted.objects.bulk_create(
        granted(group_id=keys[name], permission_id=permission) for name, permission in _granted
    )


def token_of(user: User) -> str:
    """Issue a token for a user."""
    _, token = AuthToken.objects.create(user=user)
    return str(token)


def client_of(user: User) -> APIClient:
    """Return a client that sends the user's token, and JSON."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(user)}")
    return client


def client_in(role: Role) -> APIClient:
    """Return the client of a new account in a role."""
    return client_of(make_user(role))


def make_session(user: User, *, now: datetime) -> StaffSession:
    """Create a session of the back office for a person."""
    session = SessionStore()
    session.create()
    key = str(session.session_key)
    follow_session(user, session_key=key, address="10.0.0.1", user_agent="Firefox", started_at=now, now=now)
    return StaffSession.objects.get(session_id=key)
