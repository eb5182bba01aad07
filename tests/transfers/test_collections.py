"""Money in: one open request per subject, each payment counted once, what comes on top is the payer's."""

from datetime import timedelta

import pytest

from ledger.queries import balance, owed
from sunusav.core.models import TrailEntry
from tests.transfers.builders import NODE, NOW
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, SUBJECT, opened, received, stored
from tests.transfers.rails import OtherSteeredCollector, SteeredCollector
from tests.transfers.unchanged import unchanged
from transfers.errors import CollectionMissing, CollectionSettled, CollectorUnavailable, CollectorUnknown
from transfers.models import Collection, Receipt
from transfers.queries import collections_for, settled_subjects
from transfers.services.collections import reconcile_collection, record_receipt, sweep_collections
from transfers.services.reconciliation import make_open_collections_due

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
FIVE_MINUTES = timedelta(minutes=5)


# opening


def test_open_asks_once_and_keeps_what_the_payer_needs(till: SteeredCollector) -> None:
    facts = opened()

    assert (facts.state, facts.amount_msat, facts.received_msat) == ("open", DUE_MSAT, 0)
    assert (facts.payment_request, facts.expires_at) == (f"pay-{facts.reference}", NOW + DAY)
    (request,) = till.requests.values()
    assert (request.collection_id, request.amount_msat, request.memo) == (facts.id, DUE_MSAT, "contribution")
    assert stored(facts).ask_at == NOW + FIVE_MINUTES


def test_open_again_gives_the_same_request(till: SteeredCollector) -> None:
    first = opened()
    with unchanged():
        assert opened() == first
    assert len(till.requests) == 1


def test_open_while_the_collector_is_away_keeps_the_intent_and_opens_it_later(till: SteeredCollector) -> None:
    with till.away(), pytest.raises(CollectorUnavailable):
        opened()
    row = Collection.objects.get()
    assert (row.state, row.reference) == ("pending", None)

    facts = opened()

    assert (facts.id, facts.state) == (row.pk, "open")


def test_open_with_an_unknown_method_is_refused() -> None:
    with unchanged(), pytest.raises(CollectorUnknown) as told:
        opened(method="pigeon")
    assert told.value.facts == {"method": "pigeon", "known_methods": ["lightning", "wave"]}


def test_open_after_it_was_paid_is_refused() -> None:
    facts = opened()
    received(facts)
    with unchanged(), pytest.raises(CollectionSettled) as told:
        opened()
    assert told.value.facts == {"subject": SUBJECT, "collection_id": facts.id}


def test_open_past_the_expiry_of_one_that_was_taken_back_asks_anew(till: SteeredCollector) -> None:
    first = opened()
    till.taken_back.add(first.reference)

    second = opened(now=NOW + DAY + timedelta(seconds=1))

    assert (stored(first).state, second.state) == ("expired", "open")
    assert second.id != first.id


def test_open_past_the_expiry_of_one_that_was_paid_books_it_and_refuses(till: SteeredCollector) -> None:
    facts = opened()
    till.received[facts.reference] = DUE_MSAT

    with pytest.raises(CollectionSettled):
        opened(now=NOW + DAY + timedelta(seconds=1))

    assert (stored(facts).state, owed(CREDIT)) == ("settled", DUE_MSAT)


# receiving


def test_record_receipt_in_full_credits_and_settles() -> None:
    facts = opened()

    assert received(facts)

    row = stored(facts)
    assert (row.state, row.received_msat, row.settled_at, row.ask_at) == ("settled", DUE_MSAT, NOW, None)
    assert (owed(CREDIT), owed(OVERPAID), balance(NODE)) == (DUE_MSAT, 0, DUE_MSAT)
    assert settled_subjects([SUBJECT]) == {SUBJECT}
    lines = TrailEntry.objects.filter(subject=f"collection:{facts.id}").order_by("id")
    assert list(lines.values_list("action", "from_state", "to_state")) == [
        ("open", "pending", "open"),
        ("settle", "open", "settled"),
    ]


def test_record_receipt_above_what_is_due_credits_the_rest_to_the_payer() -> None:
    facts = opened()

    received(facts, DUE_MSAT + 1)

    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("settled", DUE_MSAT, 1)


def test_record_receipt_one_msat_short_is_partial_and_not_settled() -> None:
    facts = opened()

    received(facts, DUE_MSAT - 1)

    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("partial", DUE_MSAT - 1, 0)
    assert settled_subjects([SUBJECT]) == set()


@pytest.mark.parametrize("again_msat", [DUE_MSAT, 1])
def test_record_receipt_twice_counts_once(again_msat: int) -> None:
    facts = opened()
    received(facts)
    with unchanged():
        assert not received(facts, again_msat)


def test_record_receipt_for_nobody_is_refused() -> None:
    with unchanged(), pytest.raises(CollectionMissing) as told:
        record_receipt(reference="stranger", received_msat=1, proof="", received_at=NOW, now=NOW)
    assert told.value.facts == {"reference": "stranger"}


def test_record_receipt_for_a_request_that_was_taken_back_is_all_the_payers(till: SteeredCollector) -> None:
    facts = opened()
    till.taken_back.add(facts.reference)
    reconcile_collection(facts.id, now=NOW)

    assert received(facts)

    row = stored(facts)
    assert (row.state, row.received_msat) == ("expired", DUE_MSAT)
    assert (owed(CREDIT), owed(OVERPAID)) == (0, DUE_MSAT)


def test_record_receipt_keeps_when_it_arrived() -> None:
    facts = opened()
    early = NOW - timedelta(minutes=3)

    record_receipt(reference=facts.reference, received_msat=DUE_MSAT, proof="aa", received_at=early, now=NOW)

    receipt = Receipt.objects.get()
    assert (receipt.received_at, receipt.proof, receipt.transaction.posted_at) == (early, "aa", early)
    assert stored(facts).settled_at == early


# asking


def test_reconcile_what_was_paid_books_it(till: SteeredCollector) -> None:
    facts = opened()
    till.received[facts.reference] = DUE_MSAT

    reconcile_collection(facts.id, now=NOW)
    with unchanged():
        reconcile_collection(facts.id, now=NOW)

    assert (stored(facts).state, owed(CREDIT)) == ("settled", DUE_MSAT)


def test_reconcile_what_is_open_asks_again_in_five_minutes() -> None:
    facts = opened()

    later = NOW + timedelta(hours=1)
    reconcile_collection(facts.id, now=later)

    assert (stored(facts).state, stored(facts).ask_at) == ("open", later + FIVE_MINUTES)


def test_reconcile_shortly_before_the_expiry_asks_two_minutes_after_it() -> None:
    facts = opened()

    reconcile_collection(facts.id, now=NOW + DAY - timedelta(minutes=1))

    assert stored(facts).ask_at == NOW + DAY + timedelta(minutes=2)


def test_reconcile_what_was_taken_back_expires_it(till: SteeredCollector) -> None:
    facts = opened()
    till.taken_back.add(facts.reference)

    reconcile_collection(facts.id, now=NOW)

    assert (stored(facts).state, stored(facts).ask_at, stored(facts).live_subject) == ("expired", None, None)


def test_reconcile_while_the_collector_is_away_changes_nothing(till: SteeredCollector) -> None:
    facts = opened()
    with till.away(), unchanged(), pytest.raises(CollectorUnavailable):
        reconcile_collection(facts.id, now=NOW)


def test_sweep_asks_about_what_is_due_only(till: SteeredCollector) -> None:
    first = opened("contribution:1")
    second = opened("contribution:2", now=NOW + timedelta(minutes=1))
    for facts in (first, second):
        till.received[facts.reference] = DUE_MSAT

    assert sweep_collections(now=NOW + FIVE_MINUTES) == 1
    assert (stored(first).state, stored(second).state) == ("settled", "open")
    assert sweep_collections(now=NOW + timedelta(minutes=6)) == 1
    assert sweep_collections(now=NOW + timedelta(minutes=60)) == 0


def test_sweep_while_one_collector_is_away_still_asks_the_other(
    till: SteeredCollector, other_till: OtherSteeredCollector
) -> None:
    waiting = opened("contribution:1", method="wave")
    paid = opened("contribution:2")
    till.received[paid.reference] = DUE_MSAT

    with other_till.away():
        assert sweep_collections(now=NOW + FIVE_MINUTES) == 1

    assert (stored(waiting).state, stored(paid).state) == ("open", "settled")
    assert stored(waiting).ask_at == NOW + FIVE_MINUTES


def test_sweep_after_the_collector_is_back_books_what_was_paid_meanwhile(till: SteeredCollector) -> None:
    facts = opened()
    with till.away():
        assert sweep_collections(now=NOW + FIVE_MINUTES) == 0
    till.received[facts.reference] = DUE_MSAT

    assert sweep_collections(now=NOW + FIVE_MINUTES) == 1
    assert stored(facts).state == "settled"


def test_make_open_collections_due_has_each_asked_at_once(till: SteeredCollector) -> None:
    facts = opened()
    till.received[facts.reference] = DUE_MSAT

    assert make_open_collections_due(now=NOW) == 1
    assert sweep_collections(now=NOW) == 1

    assert collections_for([SUBJECT])[SUBJECT].state == "settled"
