"""Refusals of the API itself."""

from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing


class IdempotencyKeyInUse(Conflict):
    """The first request with this key is still being answered."""

    idempotency_key: str


class IdempotencyKeyReused(Invalid):
    """The key was used before on this path with another body."""

    idempotency_key: str


class PersonRequired(Forbidden):
    """The call requires a person's one-time code; a service has none."""


class AccountMissing(Missing):
    name: str


class AccountDisabled(Conflict):
    name: str


class RoleNeedsPerson(Invalid):
    """A token of this role can only be issued to a person."""

    name: str
    role: str


class ServiceIsNotPerson(Conflict):
    name: str


class OtherRoleHeld(Conflict):
    """The account has another role already; an account has one role."""

    name: str
    role: str
