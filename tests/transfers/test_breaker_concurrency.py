"""Failures of one rail at once, each on its own connection: each is counted, and the rail is stopped once."""

from functools import partial

import pytest

from sunusav.core.models import TrailEntry
from tests.transfers.builders import NOW
from tests.transfers.test_limits_concurrency import at_once
from transfers.engine.breaker import count_failure
from transfers.models import RailBreaker

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

RAIL = "lightning"


def fail_at_once(*disbursement_ids: int) -> None:
    at_once([partial(count_failure, RAIL, disbursement_id=one, now=NOW) for one in disbursement_ids])


def test_failures_at_once_are_all_counted() -> None:
    for first in (1, 5):
        fail_at_once(*range(first, first + 4))

    row = RailBreaker.objects.get()
    assert (row.state, row.failures) == ("closed", 8)


def test_failures_at_once_beyond_the_tenth_stop_the_rail_once() -> None:
    fail_at_once(*range(1, 9))
    fail_at_once(*range(9, 17))

    assert RailBreaker.objects.get().state == "open"
    stops = TrailEntry.objects.filter(subject=f"rail:{RAIL}").values_list("action", flat=True)
    assert list(stops) == ["stop_rail"]
