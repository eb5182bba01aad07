"""Tokens of people and services: `Authorization: Token …`, stored hashed, checked without a query while warm.

A process remembers a token for at most a second, so one that was revoked, and a user who was disabled or lost
a permission, is refused within that second.
"""

from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from sunusav.core.models import User

REMEMBERED_SECONDS = 1.0
REMEMBERED_AT_MOST = 10_000


@dataclass(frozen=True)
class _Remembered:
    user: User
    token: AuthToken
    until: float


_remembered: dict[str, _Remembered] = {}


def forget_tokens() -> None:
    """Forget every token this process remembers; the next request of each asks the database."""
    _remembered.clear()


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # knox carries no types
    """Knox's tokens, looked up by their digest, with the user's permissions remembered along."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        digest = _digest_of(token)
        known = _remembered.get(digest)
        if known is None or known.until < monotonic():
            known = _look_up(digest)
        if known.token.expiry is not None and known.token.expiry <= timezone.now():
            raise AuthenticationFailed("This token has expired.")
        return known.user, known.token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How /openapi.json describes our tokens."""

    target_class = "sunusav.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token` and the token that `manage.py issue_token` printed.",
        }


def _digest_of(token: bytes) -> str:
    try:
        return str(hash_token(token.decode("ascii")))
    except UnicodeDecodeError:
        raise AuthenticationFailed("This token is not known.") from None


def _look_up(digest: str) -> _Remembered:
    found = AuthToken.objects.select_related("user").filter(digest=digest).first()
    if found is None:
        _remembered.pop(digest, None)
        raise AuthenticationFailed("This token is not known.")
    if not found.user.is_active:
        raise AuthenticationFailed("This account is disabled.")
    found.user.get_all_permissions()  # fills the user's own cache, which is remembered with it
    if len(_remembered) >= REMEMBERED_AT_MOST:
        _remembered.clear()
    known = _Remembered(found.user, found, monotonic() + REMEMBERED_SECONDS)
    _remembered[digest] = known
    return known


def is_known(user: User | AnonymousUser) -> bool:
    """Tell whether a token was given and accepted."""
    return bool(user.is_authenticated)
