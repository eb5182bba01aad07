"""A person saves how they filter a list, sees it above that list alone, and deletes it; nobody else sees it."""

import re

import pytest
from django.test import Client

from sunusav.core.models import SavedFilter
from sunusav.core.roles import Role
from tests.backoffice.conftest import Enter
from tests.backoffice.world import World, person
from tests.factories.payouts import NOW

pytestmark = pytest.mark.django_db

LIST = "/admin/transfers/disbursement/"
SAVE = f"{LIST}filters/"
FAILED = "state__exact=failed"
MARCH = "2026-03-01+00%3A00%3A00%2B00%3A00"


def save(client: Client, name: str = "Failed", query: str = FAILED, *, url: str = SAVE) -> str:
    answer = client.post(url, {"name": name, "query": query})
    assert answer.status_code == 302
    return answer.headers["Location"]


def links(client: Client, url: str = LIST) -> dict[str, str]:
    """Return the saved filters above a list: where each leads, by name."""
    shown = client.get(url)
    assert shown.status_code == 200
    return {link.name: link.url for link in shown.context["filter_bar"].links}


def stored() -> list[tuple[str, str, str]]:
    return list(SavedFilter.objects.order_by("pk").values_list("list_name", "name", "query"))


def test_saved_filter_is_above_its_list_and_filters_it(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    assert f'value="{FAILED}"' in client.get(f"{LIST}?{FAILED}").content.decode()

    assert save(client, "  Failed   ones ") == f"{LIST}?{FAILED}"

    assert links(client) == {"Failed ones": f"{LIST}?{FAILED}"}
    rows = client.get(links(client)["Failed ones"]).context["cl"].result_list
    assert [row.pk for row in rows] == [world.failed.pk]
    assert links(client, "/admin/transfers/collection/") == {}


def test_filter_of_a_date_and_an_order_are_kept(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)

    save(client, "Of March", f"requested_at__gte={MARCH}&o=-1.2&broke_worker=yes")

    assert stored() == [
        ("transfers.disbursement", "Of March", f"broke_worker=yes&o=-1.2&requested_at__gte={MARCH}")
    ]
    assert client.get(links(client)["Of March"]).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "", "o=1", "p=2", "q=%2B221771234567", "q=awa", "next=https://evil.example", "_popup=1", "state__exact=",
        "person_ref__startswith=member", "hold_transaction__entries__amount__gt=1", "state__regex=f",
        "//evil.example", "o=1;state__exact", f"state__exact={'x' * 1000}",
    ],
)  # fmt: skip
def test_nothing_but_filters_of_the_list_is_stored(world: World, enter: Enter, query: str) -> None:
    assert save(enter(Role.FINANCE), query=query) == LIST

    assert stored() == []


def test_parameters_beside_a_filter_are_left_out(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)

    location = save(client, query=f"{FAILED}&q=awa&p=3&next=//evil.example&person_ref__startswith=m")

    assert (location, stored()) == (f"{LIST}?{FAILED}", [("transfers.disbursement", "Failed", FAILED)])


def test_stored_query_is_judged_again_when_it_is_shown(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    owner = person("a-finance", Role.FINANCE)
    for name, query in (("Old", "person_ref__startswith=m"), ("Mixed", f"{FAILED}&gone=1")):
        SavedFilter.objects.create(
            person=owner, list_name="transfers.disbursement", name=name, query=query, saved_at=NOW
        )

    assert links(client) == {"Mixed": f"{LIST}?{FAILED}", "Old": LIST}


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b"])
def test_name_has_to_be_a_short_text(world: World, enter: Enter, name: str) -> None:
    assert save(enter(Role.FINANCE), name) == LIST

    assert stored() == []


def test_name_is_escaped(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    save(client, "<img src=x>")

    page = client.get(LIST).content.decode()

    assert "<img src=x>" not in page
    assert "&lt;img src=x&gt;" in page


def test_same_name_replaces_the_filter_of_this_list_alone(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    save(client)
    save(client, query="state__exact=open", url="/admin/transfers/collection/filters/")

    save(client, query="state__exact=completed")

    assert stored() == [
        ("transfers.disbursement", "Failed", "state__exact=completed"),
        ("transfers.collection", "Failed", "state__exact=open"),
    ]


def test_twenty_filters_of_a_list_are_enough(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    for number in range(20):
        save(client, f"filter {number}")

    save(client, "one more")
    assert SavedFilter.objects.count() == 20
    save(client, "filter 3", "state__exact=completed")
    assert SavedFilter.objects.get(name="filter 3").query == "state__exact=completed"


def test_filters_of_others_are_neither_shown_nor_deleted(world: World, enter: Enter) -> None:
    finance, auditor = enter(Role.FINANCE), enter(Role.AUDITOR)
    save(finance)
    delete = f"{SAVE}{SavedFilter.objects.get().pk}/delete/"

    assert links(auditor) == {}
    assert auditor.post(delete).status_code == 302
    assert finance.post(delete.replace("disbursement", "collection")).status_code == 302
    assert SavedFilter.objects.count() == 1

    assert delete in finance.get(LIST).content.decode()
    assert finance.post(delete).headers["Location"] == LIST
    assert stored() == []
    assert finance.post(delete).status_code == 302


def test_who_may_not_see_a_list_saves_no_filter_of_it(world: World, enter: Enter) -> None:
    operator = enter(Role.OPERATOR)
    url = "/admin/payouts/cycle/filters/"

    assert operator.post(url, {"name": "x", "query": "state__exact=ready"}).status_code == 403
    assert operator.post(f"{url}1/delete/").status_code == 403
    assert Client().post(url, {"name": "x", "query": "state__exact=ready"}).status_code == 302
    assert stored() == []


def test_links_change_nothing(world: World, enter: Enter) -> None:
    client = enter(Role.FINANCE)
    save(client)

    assert client.get(SAVE, {"name": "x", "query": FAILED}).status_code == 405
    assert client.get(f"{SAVE}{SavedFilter.objects.get().pk}/delete/").status_code == 405
    assert len(stored()) == 1
    assert re.search(r'<form[^>]+method="post"[^>]+filters/', client.get(LIST).content.decode())
