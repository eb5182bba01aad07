"""B8: the rows that every page of the back office and every read of the API reads, among those of a million payouts.

A page that reads more than the budget of `tests.support.list_pages` is a failure.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.test import Client
from django.utils import translation

from bench.list_filling import fill_tables
from sunusav.core.models import User
from sunusav.core.roles import Role
from tests.factories.users import client_in
from tests.support.list_pages import Page, models_of_the_admin, pages_of
from tests.support.other_pages import Fetched, answers, menu_pages, searches, whole_lists
from tests.support.reads import Reads
from transfers.models import Disbursement

PAYOUTS, PAYOUTS_IF_QUICK = 1_000_000, 20_000
QUICK_ROUNDS = 2
WORST_SHOWN = 25


@dataclass(frozen=True)
class Visit:
    """What one page read, and how long it took without the counting."""

    page: Page | Fetched
    reads: Reads
    seconds: float

    @property
    def is_over(self) -> bool:
        return self.page.is_over_budget(self.reads)

    @property
    def line(self) -> str:
        mark = "OVER" if self.is_over else ""
        return (
            f"{mark:<5}{self.reads.rows:>12,}{self.reads.counted:>10,}{self.reads.queries:>9}"
            f"{self.seconds * 1000:>8.0f}  {self.page.what}"
        )


def main(rounds: int) -> int:
    began = time.monotonic()
    with translation.override("en"):
        fill_tables(
            int(os.environ.get("BENCH_PAYOUTS") or (PAYOUTS_IF_QUICK if rounds <= QUICK_ROUNDS else PAYOUTS))
        )
        filling = time.monotonic() - began
        print(f"filled in {filling:.0f} s", flush=True)
        visits = list(visit_all())
    report(visits)
    print(
        f"B8: {len(visits)} pages with {Disbursement.objects.count():,} payouts, filled in {filling:.0f} s;"
        f" {sum(one.is_over for one in visits)} over budget"
    )
    return int(any(visit.is_over for visit in visits))


def report(visits: list[Visit]) -> None:
    """Print those that read the most rows or run the most queries, and every one over budget with its statements."""
    by_rows = sorted(visits, key=lambda visit: -visit.reads.rows)
    by_queries = sorted(visits, key=lambda visit: -visit.reads.queries)
    over = [visit for visit in by_rows if visit.is_over]
    for title, shown in (
        ("rows", by_rows[:WORST_SHOWN]),
        ("queries", by_queries[:WORST_SHOWN]),
        ("over", over),
    ):
        print(f"\nMost {title}" if title != "over" else "\nOver budget")
        print(f"{'':<5}{'rows':>12}{'counted':>10}{'queries':>9}{'ms':>8}  page")
        for visit in shown:
            print(visit.line)
            for read, sql in visit.reads.worst if title == "over" else ():
                print(f"        {read:,} by {sql}")


def visit_all() -> Iterator[Visit]:
    client = Client(headers={"accept-language": "en"})
    root = User.objects.create(username="root", is_staff=True, is_superuser=True)
    client.force_login(root)
    for page in all_pages(client, root):
        page.open(client, root)  # what a process reads once is not the page's
        with Reads() as reads:
            page.open(client, root)
        began = time.perf_counter()
        page.open(client, root)
        yield Visit(page, reads, time.perf_counter() - began)


def all_pages(client: Client, root: User) -> Iterator[Page | Fetched]:
    yield from menu_pages(client)
    yield from whole_lists(client)
    yield from searches(client)
    yield from answers(client_in(Role.PLATFORM), client_in(Role.AUDITOR))
    for model in models_of_the_admin():
        yield from pages_of(root, model)
