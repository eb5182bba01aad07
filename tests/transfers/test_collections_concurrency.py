"""Receipts of one collection at once, each on its own connection: all are counted, each once."""

from functools import partial

import pytest

from ledger.queries import balance, owed
from sunusav.core.models import TrailEntry
from tests.transfers.builders import NODE, NOW
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, opened, stored
from tests.transfers.test_limits_concurrency import at_once
from transfers.models import Receipt
from transfers.services.collections import record_receipt
from transfers.types import CollectionFacts

pytestmark = [pytest.mark.mariadb, pytest.mark.django_db(transaction=True)]

THREADS = 8
PART_MSAT = DUE_MSAT // 4


def receive(facts: CollectionFacts, payment_reference: str, counted: list[str]) -> None:
    if record_receipt(
        reference=facts.reference, payment_reference=payment_reference, received_msat=PART_MSAT, proof="",
        received_at=NOW, now=NOW,
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
    assert (row.state, row.received_msat, len(counted)) == ("settled", THREADS * PART_MSAT, THREADS)
    assert Receipt.objects.filter(collection=row).count() == THREADS
    assert (owed(CREDIT), owed(OVERPAID), balance(NODE)) == (DUE_MSAT, DUE_MSAT, 2 * DUE_MSAT)
    assert actions(facts) == ["open", "receive_part", "settle"]


def test_one_part_reported_many_times_at_once_is_counted_once() -> None:
    facts, counted = opened(), list[str]()

    at_once([partial(receive, facts, "part", counted)] * THREADS)

    assert (stored(facts).state, stored(facts).received_msat) == ("partial", PART_MSAT)
    assert counted == ["part"]
    assert (owed(CREDIT), Receipt.objects.count()) == (PART_MSAT, 1)
    assert actions(facts) == ["open", "receive_part"]
