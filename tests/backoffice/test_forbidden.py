"""A refusal for want of a permission is a page of the site that names the roles which have it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import translation

from sunusav.backoffice.actions import Action
from sunusav.core import phrasing
from sunusav.core.roles import Role, roles_with
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person

STAFF = (Role.FINANCE, Role.APPROVER, Role.AUDITOR, Role.OPERATOR)


def shown_roles(client: Client, url: str) -> list[str] | None:
    """Return the roles that a refusal names, or None where the page is not refused."""
    answer = client.get(url)
    if answer.status_code != 403:
        return None
    text = answer.content.decode()
    assert "Back to the home page" in text, url
    assert "/admin/language/" in text, url  # the frame, with the choice of the language
    return list(answer.context["roles"])


def labels(permissions: list[str]) -> list[str]:
    return [phrasing.code_label(role) for role in roles_with(permissions)]


def pages() -> Iterator[tuple[str, str]]:
    for model in admin.site._registry:
        meta = model._meta
        for page, verb in (("changelist", "view"), ("add", "add")):
            url = reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}")
            yield url, f"{meta.app_label}.{verb}_{meta.model_name}"


def actions() -> Iterator[tuple[str, Action]]:
    for model, model_admin in admin.site._registry.items():
        meta = model._meta
        for action in getattr(model_admin, "actions_offered", ()):
            yield reverse(f"admin:{meta.app_label}_{meta.model_name}_action", args=[action.slug]), action


@pytest.mark.parametrize("role", STAFF)
def test_refused_pages_name_the_roles_that_have_them(world: World, enter: Enter, role: Role) -> None:
    client, user = enter(role), person(f"a-{role.value}", role)

    for url, permission in pages():
        if not user.has_perm(permission):
            assert shown_roles(client, url) == labels([permission]), url


@pytest.mark.parametrize("role", STAFF)
def test_refused_actions_name_the_roles_that_have_them(world: World, enter: Enter, role: Role) -> None:
    client, user = enter(role), person(f"a-{role.value}", role)

    for url, action in actions():
        needed = action.permission if isinstance(action.permission, str) else ""
        if needed and not user.has_perm(needed):
            assert shown_roles(client, url) == labels([needed]), url


def test_auditor_reads_who_approves_a_proposal_in_french(world: World) -> None:
    client = Client(headers={"accept-language": "fr"})
    client.force_login(person("an-auditor", Role.AUDITOR))

    answer: Any = client.get("/admin/core/proposal/actions/approve/", {"pk": world.manual_rate.pk})

    assert answer.status_code == 403
    assert "Vous ne pouvez pas faire cela." in answer.content.decode()
    with translation.override("fr"):
        assert answer.context["roles"] == labels(["ledger.approve_manual_rate"])


def test_what_is_closed_names_no_role(world: World, enter: Enter) -> None:
    finance = enter(Role.FINANCE)
    type(world.draft).objects.filter(pk=world.draft.pk).update(state="discarded")

    answer: Any = finance.post(f"/admin/fees/feescheduledraft/{world.draft.pk}/change/", {})

    assert (answer.status_code, answer.context["roles"]) == (403, [])
    assert "it is already closed" in answer.content.decode()
