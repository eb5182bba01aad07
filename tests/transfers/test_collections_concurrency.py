"""Receipts of one collection at once, each on its own connection: all are counted, each once."""

from datetime import timedelta
from functools import partial

import pytest

from ledger.enums import Currency
from ledger.models import CurrencyConversion
from ledger.queries import balance, owed
from ledger.types import msat
from sunusav.core.models import TrailEntry
from tests.transfers.builders import NODE, NOW
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, opened, stored
from tests.transfers.rails import OtherSteeredCollector
from tests.transfers.test_limits_concurrency import at_once
from transfers.collectors import collector
from transfers.models import Collection, Receipt
from transfers.receipt_booking import clearing_of
from transfers.services.collections import reconcile_collection
from transfers.services.receipts import record_receipt
from transfers.types import CollectionFacts

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

THREADS = 8
PART_MSAT = DUE_MSAT // 4


def receive(facts: CollectionFacts, payment_reference: str, counted: list[str]) -> None:
    if record_receipt(
        method=facts.method, reference=facts.reference, payment_reference=payment_reference,
        received=msat(PART_MSAT), proof="", received_at=NOW, now=NOW,
    ):  # fmt: skip
        counted.append(payment_reference)


def actions(facts: CollectionFacts) -> list[str]:
    entries = TrailEntry.objects.filter(subject=f"collection:{facts.id}").order_by("pk")
    return list(entries.values_list("action", flat=True))


def test_parts_received_at_once_are_all_counted_and_settle_it_once() -> None:
    """Eight quarters of what is due: four are credited, four are the payer's."""
    facts, counted = opened(), list[str]()

    at_once([partial(receive, facts, f"part-{number}", counted) for number in range(THREADS)])

    row = stored(facts)
    assert (row.state, row.received, len(counted)) == ("settled", THREADS * PART_MSAT, THREADS)
    assert Receipt.objects.filter(collection=row).count() == THREADS
    assert (owed(CREDIT), owed(OVERPAID), balance(NODE)) == (DUE_MSAT, DUE_MSAT, 2 * DUE_MSAT)
    assert actions(facts) == ["open", "receive_part", "settle"]


def test_a_last_part_that_arrives_while_the_request_ends_is_credited_once() -> None:
    """Whichever is first, the pot gets all that is due, or the payer all that arrived."""
    facts = opened(method="wave")
    receive(facts, "first", [])
    asked = collector("wave")
    assert isinstance(asked, OtherSteeredCollector)
    asked.cancelled.add(facts.reference)
    rest = [partial(receive, facts, f"part-{number}", []) for number in range(3)]

    at_once([*rest, partial(reconcile_collection, facts.id, now=NOW + timedelta(days=2))])

    row = stored(facts)
    credited = {"settled": (DUE_MSAT, 0), "expired": (0, DUE_MSAT)}[row.state]
    assert (owed(CREDIT), owed(OVERPAID)) == credited
    assert owed(clearing_of(facts.id, Currency.MSAT)) == 0


def test_requests_of_one_subject_opened_at_once_in_francs_are_one_with_one_conversion() -> None:
    opened_ids: list[int] = []

    at_once([lambda: opened_ids.append(opened(method="franc").id)] * THREADS)

    assert len(opened_ids) == THREADS
    assert set(opened_ids) == {Collection.objects.get().pk}
    assert CurrencyConversion.objects.count() == 1


def test_one_part_reported_many_times_at_once_is_counted_once() -> None:
    facts, counted = opened(), list[str]()

    at_once([partial(receive, facts, "part", counted)] * THREADS)

    assert (stored(facts).state, stored(facts).received) == ("partial", PART_MSAT)
    assert counted == ["part"]
    assert (owed(clearing_of(facts.id, Currency.MSAT)), owed(CREDIT)) == (PART_MSAT, 0)
    assert Receipt.objects.count() == 1
    assert actions(facts) == ["open", "receive_part"]
