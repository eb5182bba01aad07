"""Roles are Django groups; each app's `roles.py` lists the permissions it grants to them."""

from collections.abc import Iterable
from enum import StrEnum

from django.contrib.auth.models import Group, Permission

from sunusav.core.app_modules import collect
from sunusav.core.errors import Forbidden
from sunusav.core.models import User


class OwnRoleGiven(Forbidden):
    """Nobody gives a role to themselves, not even a superuser."""

    login: str
    roles: list[str]


class Role(StrEnum):
    PLATFORM = "platform"
    FINANCE = "finance"
    APPROVER = "approver"
    AUDITOR = "auditor"
    OPERATOR = "operator"


VIEW_CORE = [
    "core.view_trailentry",
    "core.view_trailseal",
    "core.view_switch",
    "core.view_proposal",
    "core.view_approval",
    "core.view_export",
    "core.view_approvalband",
    "core.view_approvalbandrequest",
]

READ_ATTACHMENTS = ["core.view_attachment", "core.download_attachment"]

VIEW_OPERATIONS = ["core.view_outboxmessage", "core.view_reading"]

GRANTS: list[tuple[Role, list[str]]] = [
    (
        Role.FINANCE,
        [
            "core.pause_outgoing",
            "core.propose_resume_outgoing",
            "core.propose_approval_band",
            "core.reveal_person",
            *VIEW_CORE,
            *READ_ATTACHMENTS,
        ],
    ),
    (
        Role.APPROVER,
        [
            "core.pause_outgoing",
            "core.approve_resume_outgoing",
            "core.approve_approval_band",
            "core.approve_second_factor_reset",
            *VIEW_CORE,
            *READ_ATTACHMENTS,
        ],
    ),
    (
        Role.OPERATOR,
        [
            "core.pause_outgoing",
            "core.propose_resume_outgoing",
            "core.propose_second_factor_reset",
            "core.view_user",
            "core.view_staffsession",
            "core.end_staffsession",
            *VIEW_CORE,
            *VIEW_OPERATIONS,
        ],
    ),
    (
        Role.AUDITOR,
        [*VIEW_CORE, *READ_ATTACHMENTS, *VIEW_OPERATIONS, "core.view_user", "core.view_staffsession"],
    ),
]


def sync_roles() -> dict[str, int]:
    """Give each role's group exactly the permissions that the apps grant; return how many each has."""
    wanted: dict[str, set[str]] = {role.value: set() for role in Role}
    for role, permissions in collect("roles", "GRANTS"):
        wanted[role.value].update(permissions)
    known = {
        f"{p.content_type.app_label}.{p.codename}": p
        for p in Permission.objects.select_related("content_type")
    }
    for role_name, permissions in wanted.items():
        group, _ = Group.objects.get_or_create(name=role_name)
        group.permissions.set([known[name] for name in sorted(permissions)])
    return {name: len(permissions) for name, permissions in wanted.items()}


def require_role_of_another(*, person: User, by: User, roles: Iterable[str]) -> None:
    """Refuse a person to give themselves a role that they do not have. Raises: OwnRoleGiven."""
    if person.pk != by.pk:
        return
    new = sorted(set(roles) - set(person.groups.values_list("name", flat=True)))
    if new:
        raise OwnRoleGiven(login=person.get_username(), roles=new)


def roles_with(permissions: Iterable[str]) -> list[str]:
    """Return the roles of people that have all these permissions, in the order of `Role`; none for no permission.

    The platform is a service, which nobody can ask.
    """
    wanted = set(permissions)
    granted: dict[str, set[str]] = {role.value: set() for role in Role if role is not Role.PLATFORM}
    for role, found in collect("roles", "GRANTS"):
        granted.get(role.value, set()).update(found)
    return [role for role, found in granted.items() if wanted and wanted <= found]
