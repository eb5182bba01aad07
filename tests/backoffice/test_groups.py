"""The page of a group: its first members, masked, with a link to all of them; and the list of members."""

import re
from typing import Any

import pytest
from django.test import Client

from payouts.models import Group, Member
from sunusav.backoffice.sections import SECTION_LIMIT
from sunusav.core.privacy import erase
from sunusav.core.roles import Role, sync_roles
from tests.backoffice.conftest import Enter
from tests.factories.payouts import NOW, make_group

pytestmark = pytest.mark.django_db
MEMBERS = "/admin/payouts/member/"
# The frame of the site, the keys of the page and its rows, the keys of the persons, what their credit holds.
QUERIES_OF_LIST = 16


@pytest.fixture
def group() -> Group:
    sync_roles()
    return make_group(members=3, id="g-1")


def add_members(group: Group, count: int) -> None:
    """Copy a member, whose data nobody can read under another identifier."""
    like = Member.objects.filter(group=group)[0]
    Member.objects.bulk_create(
        Member(
            group=group, user_id=f"many-{number:04}", sealed_name=like.sealed_name, sealed_phone=like.sealed_phone,
            added_at=NOW,
        )
        for number in range(count)
    )  # fmt: skip


def page_of(client: Client, group: Group) -> str:
    return client.get(f"/admin/payouts/group/{group.pk}/change/").content.decode()


def test_group_page_shows_members_masked_and_links_to_their_pages(group: Group, enter: Enter) -> None:
    member = group.members.get(user_id="user-1")

    page = page_of(enter(Role.AUDITOR), group)

    assert f'<a href="{MEMBERS}{member.pk}/change/">user-1</a>' in page
    assert "A. N." in page
    assert "+22177•••••67" in page
    assert "Awa Ndiaye" not in page


def test_group_page_shows_the_first_members_and_links_to_all(group: Group, enter: Enter) -> None:
    add_members(group, SECTION_LIMIT + 20)
    client = enter(Role.AUDITOR)

    page = page_of(client, group)

    assert len(re.findall(rf'<a href="{MEMBERS}\d+/change/">', page)) == SECTION_LIMIT
    assert f'<a href="{MEMBERS}?group__id__exact=g-1">' in page
    listed = client.get(f"{MEMBERS}?group__id__exact=g-1").context["cl"]
    assert (listed.count, {row.group_id for row in listed.result_list}) == (SECTION_LIMIT + 23, {"g-1"})


def test_list_of_members_takes_as_many_queries_for_a_page_as_for_three(
    group: Group, enter: Enter, django_assert_max_num_queries: Any
) -> None:
    """Each member is a person of their own, with a key of their own; nobody holds credit, so all are asked about."""
    client = enter(Role.FINANCE)
    client.get(MEMBERS)  # the first page of a session stores it
    make_group(members=0, id="g-2")
    add_members(Group.objects.get(pk="g-1"), 60)

    with django_assert_max_num_queries(QUERIES_OF_LIST):
        page = client.get(MEMBERS)

    assert len(page.context["cl"].result_list) == 50


def test_erased_member_is_shown_as_an_ellipsis_and_cannot_be_erased_again(group: Group, enter: Enter) -> None:
    erase("member:user-1", now=NOW)
    client, member = enter(Role.FINANCE), group.members.get(user_id="user-1")

    erased = client.get(f"{MEMBERS}{member.pk}/change/").content.decode()
    other = client.get(f"{MEMBERS}{group.members.get(user_id='user-2').pk}/change/").content.decode()

    assert "…" in erased
    assert "actions/propose-erasure/" not in erased
    assert "actions/propose-erasure/" in other
