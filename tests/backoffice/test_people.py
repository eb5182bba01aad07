"""People and their roles: managed by superusers and user managers; each change is in the trail."""

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from sunusav.core.models import TrailEntry, User
from sunusav.core.roles import OwnRoleGiven, Role, require_role_of_another, sync_roles
from tests.backoffice.conftest import Enter
from tests.backoffice.world import person


@pytest.fixture
def moussa(db: None) -> User:
    sync_roles()
    return person("moussa", Role.FINANCE)


@pytest.fixture
def manager(moussa: User) -> Client:
    """Return the browser of somebody who manages users without being a superuser."""
    user = person("manager", None)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="core", codename__in=["change_user", "view_user"])
    )
    client = Client()
    client.force_login(user)
    return client


def _form(user: User, *roles: Role, **fields: Any) -> dict[str, Any]:
    groups = Group.objects.filter(name__in=[role.value for role in roles])
    return {
        "username": user.username, "first_name": user.first_name, "last_name": user.last_name, "email": "",
        "is_active": "on", "is_staff": "on", "groups": [group.pk for group in groups], **fields,
    }  # fmt: skip


def _roles(user: User) -> list[str]:
    return sorted(user.groups.values_list("name", flat=True))


def test_superuser_assigns_a_role_and_the_trail_records_it(moussa: User, enter: Enter) -> None:
    response = enter(None).post(f"/admin/core/user/{moussa.pk}/change/", _form(moussa, Role.APPROVER))

    line = TrailEntry.objects.get(subject="user:moussa", action="edit_user")
    assert response.status_code == 302
    assert _roles(moussa) == ["approver"]
    assert (line.actor_label, line.facts["roles"], line.facts["changed"]) == (
        "root",
        ["approver"],
        ["groups"],
    )


@pytest.mark.parametrize("part", ["add/", "{pk}/change/", "{pk}/password/"])
def test_changing_accounts_needs_a_fresh_code(moussa: User, enter: Enter, part: str) -> None:
    root = enter(None)
    user = User.objects.get(username="root")
    device = TOTPDevice.objects.create(user=user, confirmed=True)
    session = root.session
    session["otp_device_id"] = device.persistent_id
    session.save()
    url = "/admin/core/user/" + part.format(pk=moussa.pk)
    asked = f"/admin/security/code/?next={quote(url, safe='')}"
    password = {"password1": "gxq-7-tontine", "password2": "gxq-7-tontine", "usable_password": "true"}
    form = {**_form(moussa, Role.APPROVER), **password}

    assert root.get(url).headers["Location"] == asked
    assert root.post(url, form).headers["Location"] == asked
    assert (_roles(moussa), TrailEntry.objects.exists()) == (["finance"], False)

    assert "missing, wrong or already used" in root.post(asked, {"code": "000000"}).content.decode()
    code = {"code": f"{totp(device.bin_key):06}"}
    assert root.post(asked, code).headers["Location"] == url
    assert root.get(url).status_code == 200


def test_page_that_asks_for_a_code_leads_to_no_other_host(enter: Enter) -> None:
    root = enter(None)

    response = root.post("/admin/security/code/?next=https://evil.example/", {})

    assert response.headers["Location"] == "/admin/"


def test_finance_and_approver_exclude_each_other(moussa: User, enter: Enter) -> None:
    form = _form(moussa, Role.FINANCE, Role.APPROVER)
    response = enter(None).post(f"/admin/core/user/{moussa.pk}/change/", form)

    assert "cannot be both" in response.content.decode()
    assert _roles(moussa) == ["finance"]


def test_program_cannot_be_staff(moussa: User, enter: Enter) -> None:
    form = _form(moussa, Role.FINANCE, is_service="on")
    response = enter(None).post(f"/admin/core/user/{moussa.pk}/change/", form)

    assert "either a service or staff" in response.content.decode()


def test_user_manager_cannot_grant_superuser_status(moussa: User, manager: Client) -> None:
    form = _form(moussa, Role.FINANCE, is_superuser="on", is_active="")
    assert manager.post(f"/admin/core/user/{moussa.pk}/change/", form).status_code == 302

    moussa.refresh_from_db()
    assert (moussa.is_superuser, moussa.is_active) == (False, False)


def test_user_manager_cannot_change_superusers(moussa: User, manager: Client) -> None:
    root = User.objects.create_superuser("root", password="old-password")

    assert manager.post(f"/admin/core/user/{root.pk}/change/", _form(root)).status_code == 403
    passwords = {"password1": "new-password-123", "password2": "new-password-123"}
    assert manager.post(f"/admin/core/user/{root.pk}/password/", passwords).status_code == 403
    root.refresh_from_db()
    assert root.check_password("old-password")


def test_new_password_is_recorded_in_the_trail_without_the_password(moussa: User, enter: Enter) -> None:
    passwords = {"password1": "new-password-123", "password2": "new-password-123", "usable_password": "true"}
    assert enter(None).post(f"/admin/core/user/{moussa.pk}/password/", passwords).status_code == 302

    line = TrailEntry.objects.get(subject="user:moussa", action="change_password")
    assert (line.actor_label, line.facts) == ("root", {})


def test_new_people_have_no_role_and_no_access_by_default(db: None, enter: Enter) -> None:
    sync_roles()
    form = {"username": "fatou", "password1": "new-password-123", "password2": "new-password-123"}
    enter(None).post("/admin/core/user/add/", {**form, "usable_password": "true"})

    user = User.objects.get(username="fatou")
    assert (user.is_staff, user.is_superuser, _roles(user)) == (False, False, [])
    assert TrailEntry.objects.filter(subject="user:fatou", action="add_user").exists()


@pytest.mark.parametrize("is_superuser", [True, False])
def test_nobody_gives_themselves_a_role(manager: Client, enter: Enter, *, is_superuser: bool) -> None:
    client = enter(None) if is_superuser else manager
    user = User.objects.get(username="root" if is_superuser else "manager")
    user.groups.set(Group.objects.filter(name="auditor"))
    own = {"is_superuser": "on"} if is_superuser else {}

    page = client.post(f"/admin/core/user/{user.pk}/change/", _form(user, Role.AUDITOR, Role.APPROVER, **own))

    assert "Nobody gives themselves a role. Another person who manages accounts" in page.content.decode()
    assert _roles(user) == ["auditor"]
    assert not TrailEntry.objects.filter(action="edit_user").exists()


def test_people_may_give_up_a_role_of_their_own(manager: Client) -> None:
    user = User.objects.get(username="manager")
    user.groups.set(Group.objects.filter(name__in=["auditor", "operator"]))

    assert manager.post(f"/admin/core/user/{user.pk}/change/", _form(user, Role.AUDITOR)).status_code == 302

    assert _roles(user) == ["auditor"]


def test_role_of_another_is_given_and_of_oneself_is_refused_with_who_may(moussa: User) -> None:
    require_role_of_another(person=moussa, by=person("root", None), roles=["approver"])
    require_role_of_another(person=moussa, by=moussa, roles=["finance"])

    with pytest.raises(OwnRoleGiven) as refusal:
        require_role_of_another(person=moussa, by=moussa, roles=["finance", "auditor"])
    assert refusal.value.facts == {"login": "moussa", "roles": ["auditor"]}
