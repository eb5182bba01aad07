"""What pages read does not grow with the tables: every list and row of the admin, the menu's pages, search, the API.

All are found by themselves, so that a new list is among them. Rows that only a capped count reads are not compared.
"""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import Client

from ledger.services.sealing import seal_books
from sunusav.backoffice import session_limits
from sunusav.core.lookups import found_by
from sunusav.core.models import User
from sunusav.core.roles import Role
from sunusav.core.trail import seal_trail
from sunusav.core.transactions import lift_idle_limit
from tests.backoffice.full_world import fill
from tests.backoffice.world import make_world
from tests.factories.payouts import NOW
from tests.factories.users import client_in
from tests.support.copies import Copies
from tests.support.kept_up import keep_up
from tests.support.list_pages import Page, models_of_the_admin, pages_of
from tests.support.other_pages import Fetched, answers, menu_pages, searches
from tests.support.reads import Reads

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

# Copies of the world, whose tables that grow have one to eighty rows each: with the fewer ones, every page is full
# and a search finds as much as it shows. Something still waits of the newest.
FEW, MANY, WAITING = 600, 1_200, 30
ROWS_OF_CHANCE, QUERIES_OF_CHANCE = 100, 1
# What reads again what another page reads, or what MariaDB rather scans while a table is as small as here.
# The filter of reversals looks up 501 keys at most, and movements the proposals of fifty: among so few rows, MariaDB
# scans them all.
LEFT_TO_THE_BENCH = (
    " sort -", "filters together", " next", " largest", "monetization/health", "FeeRecord filter is reversal",
    "TreasuryMovement sort reference_shown",
)  # fmt: skip


@pytest.mark.usefixtures("caches_outlast_the_test")
def test_no_page_reads_more_among_twice_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    # Once a minute, a page also notes when the session was last seen.
    monkeypatch.setattr(session_limits, "SEEN_EVERY_SECONDS", 86_400)
    fill(make_world())
    found_by(["any"], limit=1)  # the first search makes the key of all of them
    seal_trail(now=NOW)
    seal_books(now=NOW)
    copies = Copies()
    few = read_among(copies, FEW)

    many = read_among(copies, MANY)

    grown = [
        f"{what}: {few[what][1].rows} rows by {few[what][1].queries} queries, then {reads.rows} by {reads.queries},"
        f" most by {reads.worst[0]}"
        for what, (page, reads) in many.items()
        if what in few and is_grown(page, few[what][1], reads)
    ]
    assert not grown, "\n".join(grown)


def read_among(copies: Copies, number: int) -> dict[str, tuple[Page | Fetched, Reads]]:
    """Return each page and what it reads among that many copies, by its name."""
    copies.make(number)
    keep_up(copies, waiting=WAITING)
    with transaction.atomic():
        lift_idle_limit()
        found = {page.what: (page, reads) for page, reads in measured()}
        transaction.set_rollback(True)  # a search by name leaves an entry, whose number a copy will want
    return found


def measured() -> Iterator[tuple[Page | Fetched, Reads]]:
    """Yield each page with what it reads."""
    client = Client(headers={"accept-language": "en"})
    root, _ = User.objects.get_or_create(username="root", defaults={"is_staff": True, "is_superuser": True})
    client.force_login(root)
    client.get("/admin/")  # what a process reads once is no page's
    for page in all_pages(client, root):
        if not any(part in page.what for part in LEFT_TO_THE_BENCH):
            with Reads() as reads:
                page.open(client, root)
            yield page, reads


def all_pages(client: Client, root: User) -> Iterator[Page | Fetched]:
    yield from menu_pages(client)
    yield from searches(client)
    yield from answers(client_in(Role.PLATFORM), client_in(Role.AUDITOR))
    for model in models_of_the_admin():
        yield from pages_of(root, model)


def is_grown(page: Page | Fetched, few: Reads, many: Reads) -> bool:
    """Return whether a page needs more; one that examines rows for its filters may read up to its budget."""
    has_more = many.rows > few.rows + ROWS_OF_CHANCE or many.queries > few.queries + QUERIES_OF_CHANCE
    return page.is_over_budget(many) or (has_more and not page.examines)
