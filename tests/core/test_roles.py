"""Roles hold exactly the permissions that the apps grant them."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from sunusav.core.app_modules import collect
from sunusav.core.roles import Role, sync_roles

pytestmark = pytest.mark.django_db


def _held(role: Role) -> set[str]:
    return {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Group.objects.get(name=role.value).permissions.select_related("content_type")
    }


def test_sync_gives_each_role_the_grants_of_the_apps() -> None:
    sync_roles()
    for role in Role:
        granted = [
            permission for to, names in collect("roles", "GRANTS") if to == role for permission in names
        ]
        assert _held(role) == set(granted)


def test_sync_removes_permissions_added_by_hand_and_restores_removed_ones() -> None:
    sync_roles()
    platform = Group.objects.get(name="platform")
    platform.permissions.set([Permission.objects.get(codename="approve_resume_outgoing")])
    sync_roles()
    assert "core.approve_resume_outgoing" not in _held(Role.PLATFORM)
    assert "api.view_health" in _held(Role.PLATFORM)


def test_sync_leaves_other_groups_alone() -> None:
    other = Group.objects.create(name="readers of the blog")
    other.permissions.add(Permission.objects.first() or Permission())
    sync_roles()
    assert other.permissions.count() == 1


def test_every_grant_names_a_permission_that_exists() -> None:
    known = {
        f"{p.content_type.app_label}.{p.codename}" for p in Permission.objects.select_related("content_type")
    }
    granted = {name for _, names in collect("roles", "GRANTS") for name in names}
    assert granted - known == set()


def test_no_role_proposes_and_approves() -> None:
    sync_roles()
    for role in Role:
        held = {name.split(".")[1] for name in _held(role)}
        proposes = {name.removeprefix("propose_") for name in held if name.startswith("propose_")}
        approves = {name.removeprefix("approve_") for name in held if name.startswith("approve_")}
        assert proposes & approves == set(), role


def test_auditor_changes_nothing() -> None:
    sync_roles()
    # `project` computes and stores nothing, and `download` records only that somebody did.
    assert {name.split(".")[1].split("_")[0] for name in _held(Role.AUDITOR)} == {
        "download",
        "project",
        "view",
    }


def test_command_prints_the_permissions_of_each_role(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync_roles")
    assert "operator: " in capsys.readouterr().out
