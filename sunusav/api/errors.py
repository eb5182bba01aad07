"""Refusals of the API itself."""

from sunusav.core.errors import Conflict, Forbidden, Invalid


class IdempotencyKeyInUse(Conflict):
    """The first request with this key is still being answered."""

    idempotency_key: str


class IdempotencyKeyReused(Invalid):
    """The key was used before on this path, with another body."""

    idempotency_key: str


class PersonRequired(Forbidden):
    """This asks for a person's one-time code; a service has none."""
