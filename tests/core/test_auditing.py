"""An audit reads long tables in pages; a fast audit reads only their end."""

from datetime import datetime, timedelta

import pytest

from sunusav.core.actors import Actor
from sunusav.core.auditing import CHUNK, OUT_OF_ORDER, pages, rows_since
from sunusav.core.models import TrailEntry
from sunusav.core.trail import TrailFact, record_all

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def appended(count: int, at: datetime) -> list[int]:
    """Append lines of one moment; return their keys."""
    before = set(TrailEntry.objects.values_list("pk", flat=True))
    record_all([TrailFact("s", "a", Actor.system("t"), at)] * count)
    return sorted(set(TrailEntry.objects.values_list("pk", flat=True)) - before)


def since(moment: datetime | None) -> list[int]:
    rows = rows_since(TrailEntry.objects.all(), "at", moment)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def test_pages_give_every_row_once_in_order(now: datetime) -> None:
    keys = appended(2 * CHUNK + 3, now)
    found = list(pages(TrailEntry.objects.all()))
    assert [len(page) for page in found] == [CHUNK, CHUNK, 3]
    assert [row.pk for page in found for row in page] == keys


def test_pages_of_full_pages_stop(now: datetime) -> None:
    appended(CHUNK, now)
    assert [len(page) for page in pages(TrailEntry.objects.all())] == [CHUNK]
    assert list(pages(TrailEntry.objects.none())) == []


def test_pages_of_given_keys_skip_missing_ones(now: datetime) -> None:
    keys = appended(CHUNK + 5, now)
    found = list(pages(TrailEntry.objects.exclude(pk=keys[1]), {*keys[1:], keys[-1] + 1}))
    assert [row.pk for page in found for row in page] == keys[2:]
    assert list(pages(TrailEntry.objects.all(), set())) == []


def test_rows_since_are_those_of_the_moment_and_after(now: datetime) -> None:
    old, new, newest = appended(2, now - SECOND), appended(2, now), appended(1, now + SECOND)
    assert since(now) == [*new, *newest]
    assert since(None) == [*old, *new, *newest]


def test_rows_since_survive_rows_that_were_written_late(now: datetime) -> None:
    new = appended(1, now)
    appended(OUT_OF_ORDER, now - SECOND)
    assert since(now) == new


def test_rows_since_look_no_further_than_the_thousandth_older_row(now: datetime) -> None:
    appended(1, now)
    appended(OUT_OF_ORDER + 1, now - SECOND)
    new = appended(1, now)
    assert since(now) == new
