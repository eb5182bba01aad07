"""Authentication by `Authorization: Token …`. Tokens are stored hashed, and cached in each process.

A process caches a token for one second. So a revoked token, a disabled user and a lost permission take effect
within a second.
"""

from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from sunusav.core.models import User

CACHE_SECONDS = 1.0
CACHE_SIZE = 10_000


@dataclass(frozen=True)
class _CachedToken:
    user: User
    token: AuthToken
    until: float


_cache: dict[str, _CachedToken] = {}


def forget_tokens() -> None:
    """Empty the cache of this process, so that the next request of each token reads the database."""
    _cache.clear()


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # knox carries no types
    """Knox's tokens, looked up by their digest and cached together with the user's permissions."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, AuthToken]:
        digest = _digest_of(token)
        known = _cache.get(digest)
        if known is None or known.until < monotonic():
            known = _look_up(digest)
        if known.token.expiry is not None and known.token.expiry <= timezone.now():
            raise AuthenticationFailed("This token has expired.")
        return known.user, known.token


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The description of our tokens in /openapi.json."""

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


def _look_up(digest: str) -> _CachedToken:
    found = AuthToken.objects.select_related("user").filter(digest=digest).first()
    if found is None:
        _cache.pop(digest, None)
        raise AuthenticationFailed("This token is not known.")
    if not found.user.is_active:
        raise AuthenticationFailed("This account is disabled.")
    found.user.get_all_permissions()  # fills the user object's own cache
    if len(_cache) >= CACHE_SIZE:
        _cache.clear()
    known = _CachedToken(found.user, found, monotonic() + CACHE_SECONDS)
    _cache[digest] = known
    return known
