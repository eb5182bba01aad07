"""Deny by default: an endpoint names who may call it, or nobody may."""

from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from sunusav.core.models import User


class AnyOf(tuple[str, ...]):
    """Permissions of which one is enough; a plain tuple requires all of them."""

    __slots__ = ()


class Public:
    """The type of `PUBLIC`."""


PUBLIC: Final = Public()  # the endpoint answers without a token
Permission = str | tuple[str, ...] | Public


class DenyAll(BasePermission):
    """Allow nobody: the default for DRF views that are not an `ApiView`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


def is_allowed(user: User | AnonymousUser, required: Permission | None) -> bool:
    """Return whether the user has the required permission; nobody has None."""
    if isinstance(required, Public):
        return True
    if not required or not user.is_authenticated:
        return False
    if isinstance(required, AnyOf):
        return any(user.has_perm(permission) for permission in required)
    return user.has_perms((required,) if isinstance(required, str) else required)
