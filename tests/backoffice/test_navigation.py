"""The menu: every list has one place, people see what they may open, and the page they are on is marked."""

from collections import Counter

import pytest
from django.contrib import admin
from django.test import RequestFactory

from sunusav.backoffice.navigation import Area, ListEntry, area_of, entries, menu_of
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person


def _menu(role: Role, path: str = "/admin/") -> dict[str, list[str]]:
    request = RequestFactory().get(path)
    request.user = person(f"menu-{role.value}", role)
    return {
        str(group["title"]): [item["link"] for item in group["items"]]
        for group in menu_of(request, admin.site)
    }


def test_every_registered_model_has_one_entry() -> None:
    listed = Counter(entry.model for entry in entries() if isinstance(entry, ListEntry))

    assert sorted(listed) == sorted(model._meta.label_lower for model in admin.site._registry)
    assert [model for model, count in listed.items() if count > 1] == []


def test_area_of_a_list_is_its_heading_and_of_an_unknown_model_none() -> None:
    assert (area_of("payouts.cycle"), area_of("transfers.attempt"), area_of("no.model")) == (
        Area.PAYMENTS, Area.TECHNICAL, None,
    )  # fmt: skip


def test_areas_stand_in_their_order_and_cycles_first(world: World) -> None:
    menu = _menu(Role.AUDITOR)

    assert list(menu) == [str(area.value) for area in Area]
    assert menu["Turns and payments"][:3] == [
        "/admin/payouts/cycle/", "/admin/payouts/group/", "/admin/payouts/member/",
    ]  # fmt: skip
    assert menu["To do"][0] == "/admin/"


def _marked(path: str) -> tuple[list[str], list[str]]:
    """Return the areas that are unfolded on a page, and the entries that are marked."""
    request = RequestFactory().get(path)
    request.user = person("menu-auditor", Role.AUDITOR)
    menu = menu_of(request, admin.site)
    marked = [item["link"] for group in menu for item in group["items"] if item["active"]]
    return [str(group["title"]) for group in menu if group["is_here"]], marked


@pytest.mark.parametrize(
    ("path", "areas", "entries"),
    [
        ("/admin/", ["To do"], ["/admin/"]),
        ("/admin/areas/payments/", ["Turns and payments"], []),
        ("/admin/payouts/group/medina/change/", ["Turns and payments"], ["/admin/payouts/group/"]),
        ("/admin/security/", [], []),
    ],
)
def test_page_marks_its_entry_and_unfolds_its_area(
    world: World, path: str, areas: list[str], entries: list[str]
) -> None:
    assert _marked(path) == (areas, entries)


def test_people_see_only_what_they_may_open(world: World) -> None:
    menu = _menu(Role.OPERATOR)

    assert "/admin/payouts/member/" not in [link for links in menu.values() for link in links]
    assert "/admin/django_celery_beat/periodictask/" in menu["Technical"]


def test_role_without_rights_sees_the_first_page_alone(world: World) -> None:
    request = RequestFactory().get("/admin/")
    request.user = person("nobody", None)

    menu = menu_of(request, admin.site)

    assert [(str(group["title"]), len(group["items"])) for group in menu] == [("To do", 1)]


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/admin/", "/admin/"),
        ("/admin/payouts/cycle/demo-cycle/change/", "/admin/payouts/cycle/"),
        ("/admin/core/proposal/actions/approve/", "/admin/core/proposal/"),
    ],
)
def test_entry_of_the_page_is_marked(world: World, path: str, marked: str) -> None:
    request = RequestFactory().get(path)
    request.user = person("auditor", Role.AUDITOR)

    items = [item for group in menu_of(request, admin.site) for item in group["items"]]

    assert [item["link"] for item in items if item["active"]] == [marked]


def test_apps_have_no_page_of_their_own(world: World, enter: Enter) -> None:
    response = enter(Role.AUDITOR).get("/admin/payouts/")

    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


def test_heading_says_where_the_page_stands(world: World, enter: Enter) -> None:
    page = (
        enter(Role.AUDITOR).get(f"/admin/transfers/disbursement/{world.failed.pk}/change/").content.decode()
    )

    heading = page.partition('<h1 class="place">')[2].partition("</h1>")[0]
    assert [
        part
        for part in ("Turns and payments", 'href="/admin/transfers/disbursement/"', "<strong>#")
        if part not in heading
    ] == []
