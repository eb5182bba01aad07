"""B8: what every page of the back office's lists reads, with a million payouts and all that comes with them.

A page that reads more than the budget of `tests.support.list_pages` is a failure.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.cache import cache
from django.test import Client
from django.utils import translation

from sunusav.core.models import User
from tests.backoffice.full_world import fill
from tests.backoffice.world import make_world
from tests.support.copies import Copies
from tests.support.list_pages import Page, models_of_the_admin, pages_of
from tests.support.reads import Reads
from transfers.models import Disbursement

PAYOUTS, PAYOUTS_IF_QUICK = 1_000_000, 20_000
QUICK_ROUNDS = 2


@dataclass(frozen=True)
class Visit:
    """What one page read, and how long it took without the counting."""

    page: Page
    reads: Reads
    seconds: float

    @property
    def is_over(self) -> bool:
        return self.page.is_over_budget(self.reads)

    @property
    def line(self) -> str:
        mark = "OVER " if self.is_over else ""
        return (
            f"{mark}{self.page.what}: {self.reads.queries} queries, {self.reads.rows:,} rows,"
            f" {self.reads.counted:,} counted, {self.seconds * 1000:.0f} ms"
        )


def main(rounds: int) -> int:
    began = time.monotonic()
    with translation.override("en"):
        fill_tables(
            int(os.environ.get("BENCH_PAYOUTS") or (PAYOUTS_IF_QUICK if rounds <= QUICK_ROUNDS else PAYOUTS))
        )
        filling = time.monotonic() - began
        visits = list(visit_all())
    for visit in sorted(visits, key=lambda visit: -visit.reads.rows):
        print(visit.line)
        if visit.is_over:
            print(f"    {visit.reads.worst}")
    most, slowest = max(visit.reads.rows for visit in visits), max(visit.seconds for visit in visits)
    print(
        f"B8: {len(visits)} pages with {Disbursement.objects.count():,} payouts, filled in {filling:.0f} s;"
        f" at most {most:,} rows read and {slowest * 1000:.0f} ms; {sum(one.is_over for one in visits)} over budget"
    )
    return int(any(visit.is_over for visit in visits))


def fill_tables(payouts: int) -> None:
    fill(make_world())
    Copies().make(payouts // Disbursement.objects.count())
    cache.clear()


def visit_all() -> Iterator[Visit]:
    client = Client(headers={"accept-language": "en"})
    root = User.objects.create(username="root", is_staff=True, is_superuser=True)
    client.force_login(root)
    for model in models_of_the_admin():
        for page in pages_of(root, model):
            with Reads() as reads:
                page.open(client, root)
            began = time.perf_counter()
            page.open(client, root)
            yield Visit(page, reads, time.perf_counter() - began)
