"""Refusals of the API itself."""

from sunusav.core.errors import Conflict, Forbidden, Invalid, Missing


class IdempotencyKeyInUse(Conflict):
    """The first request with this key is still being answered."""

    idempotency_key: str


class IdempotencyKeyReused(Invalid):
    """The key was used before on this path, with another body."""

    idempotency_key: str


class PersonRequired(Forbidden):
    """This asks for a person's one-time code; a service has none."""


class AccountMissing(Missing):
    name: str


class AccountDisabled(Conflict):
    name: str


class RoleNeedsPerson(Invalid):
    """Tokens of this role belong to a person, who exists or is made on purpose."""

    name: str
    role: str


class ServiceIsNotPerson(Conflict):
    name: str


class OtherRoleHeld(Conflict):
    """The account has a role already; one account, one role."""

    name: str
    role: str
