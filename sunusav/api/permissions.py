"""Deny by default: a view names who may call each of its methods, or nobody may."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from sunusav.core.models import User


class AnyOf(tuple[str, ...]):
    """Permissions of which one is enough; a plain tuple needs them all."""

    __slots__ = ()


Needed = Mapping[str, str | tuple[str, ...]]


class DenyAll(BasePermission):
    """Nobody. The project's default, for views that are not an `ApiView` and forgot to say."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


def may(user: User | AnonymousUser, required: Needed, method: str) -> bool:
    """Tell whether the user holds what a view requires for a method; a method it does not name is for nobody."""
    needed = required.get("GET" if method == "HEAD" else method)
    if not needed or not user.is_authenticated:
        return False
    if isinstance(needed, AnyOf):
        return any(user.has_perm(permission) for permission in needed)
    return user.has_perms((needed,) if isinstance(needed, str) else needed)
