"""What pages read does not grow with the tables: every list and row of the admin, the menu's pages, search, the API.

All are found by themselves, so that a new list is among them. Rows that only a capped count reads are not compared.
"""

from collections.abc import Iterator

import pytest
from django.test import Client

from sunusav.core.lookups import found_by
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.backoffice.full_world import fill
from tests.backoffice.world import make_world
from tests.factories.users import client_in
from tests.support.copies import Copies
from tests.support.list_pages import Page, models_of_the_admin, pages_of
from tests.support.other_pages import Fetched, answers, menu_pages, searches
from tests.support.reads import Reads

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

# Copies of the world, whose tables that grow have one to eighty rows each.
FEW, MANY = 100, 1_000
ROWS_OF_CHANCE = 100


def test_no_page_reads_more_among_ten_times_the_rows() -> None:
    fill(make_world())
    found_by(["any"], limit=1)  # the first search makes the key of all of them
    copies = Copies()
    copies.make(FEW)
    few = {page.what: reads for page, reads in measured()}
    copies.make(MANY)

    grown = [
        f"{page.what}: {few[page.what].rows} rows by {few[page.what].queries} queries, then {reads.rows} by"
        f" {reads.queries}, most by {reads.worst[0]}"
        for page, reads in measured()
        if page.what in few and is_grown(page, few[page.what], reads)
    ]

    assert grown == []


def measured() -> Iterator[tuple[Page | Fetched, Reads]]:
    """Yield each page with what it reads."""
    client = Client(headers={"accept-language": "en"})
    root, _ = User.objects.get_or_create(username="root", defaults={"is_staff": True, "is_superuser": True})
    client.force_login(root)
    client.get("/admin/")  # what a process reads once is no page's
    for page in all_pages(client, root):
        with Reads() as reads:
            page.open(client, root)
        yield page, reads


def all_pages(client: Client, root: User) -> Iterator[Page | Fetched]:
    yield from menu_pages(client)
    yield from searches(client)
    yield from answers(client_in(Role.PLATFORM))
    for model in models_of_the_admin():
        yield from pages_of(root, model)


def is_grown(page: Page | Fetched, few: Reads, many: Reads) -> bool:
    """Return whether a page needs more; one that examines rows for its filters may read up to its budget."""
    has_more_rows = many.rows > few.rows + ROWS_OF_CHANCE and not page.examines
    return many.queries > few.queries or has_more_rows or page.is_over_budget(many)
