"""Deny by default: a view names who may call each of its methods, or nobody may."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class AnyOf(tuple[str, ...]):
    """Permissions of which one is enough; a plain tuple needs them all."""

    __slots__ = ()


class DenyAll(BasePermission):
    """Nobody. The project's default, for views that forgot to say."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class RequiredPermission(BasePermission):
    """The permission that an `ApiView` names for the request's method."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if view.public:
            return True
        method = "GET" if request.method == "HEAD" else request.method
        needed = view.required_permissions.get(method)
        return bool(needed and request.user.is_authenticated and _has(request.user, needed))


def _has(user: Any, needed: str | tuple[str, ...]) -> bool:
    if isinstance(needed, AnyOf):
        return any(user.has_perm(permission) for permission in needed)
    return bool(user.has_perms((needed,) if isinstance(needed, str) else needed))
