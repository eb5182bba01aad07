"""A payment that a provider's message names is queried at once: it is made due, and a worker is woken."""

from datetime import timedelta

import pytest

from tests.transfers.builders import NET_SATS, NOW, claimed, ordered, row_of
from tests.transfers.collecting import opened, received, stored
from tests.transfers.rails import SteeredRail, Watch, hash_of
from tests.transfers.resolution_cases import Case
from tests.transfers.unchanged import unchanged
from transfers.collection_queries import is_collection_open
from transfers.enums import QuerySoon
from transfers.models import Collection
from transfers.queries import is_order_open
from transfers.services.reconciliation import query_collection_soon, query_order_soon

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(seconds=30)


def test_open_request_is_due_at_once() -> None:
    facts = opened()

    found = query_collection_soon(method="lightning", reference=facts.reference, now=LATER)

    assert (found, stored(facts).ask_at) == (QuerySoon.OPEN, LATER)
    assert is_collection_open(method="lightning", reference=facts.reference)


def test_request_that_is_due_already_stays_due_since_then() -> None:
    facts = opened()
    Collection.objects.filter(pk=facts.id).update(ask_at=NOW)

    query_collection_soon(method="lightning", reference=facts.reference, now=LATER)

    assert stored(facts).ask_at == NOW


def test_request_that_has_ended_is_due_once_more() -> None:
    facts = opened()
    received(facts)
    assert not is_collection_open(method="lightning", reference=facts.reference)

    found = query_collection_soon(method="lightning", reference=facts.reference, now=LATER)

    assert (found, stored(facts).ask_at) == (QuerySoon.ENDED, LATER)


def test_reference_of_another_method_is_unknown() -> None:
    facts = opened()
    with unchanged():
        assert query_collection_soon(method="wave", reference=facts.reference, now=LATER) is QuerySoon.UNKNOWN
    assert not is_collection_open(method="wave", reference=facts.reference)


def test_open_order_is_due_at_once(node: SteeredRail, watch: Watch) -> None:
    case = Case(node, watch)
    reference = hash_of("awa", NET_SATS)
    assert is_order_open(rail="lightning", reference=reference)

    assert query_order_soon(rail="lightning", reference=reference, now=watch()) is QuerySoon.OPEN
    assert row_of(case.id).due_at == watch()


def test_claimed_order_keeps_its_lease(node: SteeredRail, watch: Watch) -> None:
    case = Case(node, watch)
    watch.advance(600)
    claimed(case.id, watch)
    before = row_of(case.id).due_at

    query_order_soon(rail="lightning", reference=hash_of("awa", NET_SATS), now=watch())

    assert row_of(case.id).due_at == before


def test_order_without_an_open_attempt_is_left_alone(node: SteeredRail, watch: Watch) -> None:
    case = Case(node, watch)
    node.paid[hash_of("awa", NET_SATS)] = 99_000_000
    case.query()
    assert row_of(case.id).state == "completed"

    with unchanged():
        found = query_order_soon(rail="lightning", reference=hash_of("awa", NET_SATS), now=watch())

    assert found is QuerySoon.ENDED
    assert not is_order_open(rail="lightning", reference=hash_of("awa", NET_SATS))


def test_order_of_another_rail_is_unknown(watch: Watch) -> None:
    ordered()
    with unchanged():
        assert query_order_soon(rail="wave", reference="x", now=watch()) is QuerySoon.UNKNOWN
    assert not is_order_open(rail="wave", reference="x")
