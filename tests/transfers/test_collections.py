"""Money in: one open request per subject, each payment counted once, an excess credited to the payer."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from ledger.enums import Currency
from ledger.queries import balance, owed
from ledger.types import msat
from sunusav.core.models import TrailEntry
from tests.transfers.builders import BY, NODE, NOW
from tests.transfers.collecting import CREDIT, DUE, DUE_MSAT, OVERPAID, SUBJECT, opened, received, stored
from tests.transfers.rails import OtherSteeredCollector, SteeredCollector
from tests.transfers.unchanged import unchanged
from transfers.collection_queries import collections_for, collections_with_problems, settled_subjects
from transfers.collectors import collector
from transfers.errors import (
    CollectionAskedOtherwise,
    CollectionMissing,
    CollectionSettled,
    CollectorUnavailable,
    CollectorUnknown,
)
from transfers.health import HEALTH_CHECKS
from transfers.models import Collection, Receipt
from transfers.receipt_booking import clearing_of
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import reconcile_collection, sweep_collections
from transfers.services.receipts import record_receipt
from transfers.services.reconciliation import make_open_collections_due
from transfers.types import CollectionFacts, CollectionRequest

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
FIVE_MINUTES = 5 * MINUTE
# Two minutes after the expiry of a request made at NOW nothing can arrive for it any more.
OVER = NOW + DAY + 2 * MINUTE


# Opening


def test_open_calls_the_collector_once_and_stores_what_the_payer_needs(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()

    assert (facts.state, facts.amount, facts.received) == ("open", DUE, msat(0))
    assert (facts.payment_request, facts.expires_at) == (f"pay-{facts.reference}", NOW + DAY)
    (request,) = lightning_collector.requests.values()
    assert (request.collection_id, request.amount, request.memo) == (facts.id, DUE, "contribution")
    assert stored(facts).ask_at == NOW + FIVE_MINUTES


def test_open_again_returns_the_same_request(lightning_collector: SteeredCollector) -> None:
    first = opened()
    with unchanged():
        assert opened() == first
    assert len(lightning_collector.requests) == 1


def test_open_while_the_collector_is_unavailable_keeps_the_intent_and_opens_it_later(
    lightning_collector: SteeredCollector,
) -> None:
    with lightning_collector.unavailable(), pytest.raises(CollectorUnavailable):
        opened()
    row = Collection.objects.get()
    assert (row.state, row.reference) == ("pending", None)

    facts = opened()

    assert (facts.id, facts.state) == (row.pk, "open")


def test_open_with_an_unknown_method_is_refused() -> None:
    with unchanged(), pytest.raises(CollectorUnknown) as error:
        opened(method="pigeon")
    assert error.value.facts == {"method": "pigeon", "known_methods": ["franc", "lightning", "wave"]}


def test_open_after_it_was_paid_is_refused() -> None:
    facts = opened()
    received(facts)
    with unchanged(), pytest.raises(CollectionSettled) as error:
        opened()
    assert error.value.facts == {"subject": SUBJECT, "collection_id": facts.id}


def test_open_after_an_expired_request_opens_another(lightning_collector: SteeredCollector) -> None:
    first = opened()
    lightning_collector.cancelled.add(first.reference)

    assert opened(now=OVER - SECOND).id == first.id
    second = opened(now=OVER)

    assert (stored(first).state, second.state) == ("expired", "open")
    assert second.id != first.id


def test_open_after_an_expired_request_that_was_paid_books_it_and_is_refused(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()
    lightning_collector.received[facts.reference] = DUE_MSAT

    with pytest.raises(CollectionSettled):
        opened(now=NOW + DAY + timedelta(seconds=1))

    assert (stored(facts).state, owed(CREDIT)) == ("settled", DUE_MSAT)


# Opening by another method


def test_open_by_another_method_while_one_is_open_is_refused(lightning_collector: SteeredCollector) -> None:
    first = opened()
    with unchanged(), pytest.raises(CollectionAskedOtherwise) as error:
        opened(method="wave")
    assert error.value.facts == {
        "subject": SUBJECT, "collection_id": first.id, "open_method": "lightning", "expires_at": NOW + DAY,
    }  # fmt: skip
    assert lightning_collector.cancelled == set()


def test_open_by_another_method_cancels_one_that_was_never_opened(
    lightning_collector: SteeredCollector, wave_collector: OtherSteeredCollector
) -> None:
    first = never_opened(lightning_collector)

    facts = opened(method="wave")

    assert (facts.method, facts.state) == ("wave", "open")
    assert list(wave_collector.requests) == [facts.reference]
    first.refresh_from_db()
    assert (first.state, first.reference) == ("cancelled", lightning_collector.reference_of(first.pk))
    assert TrailEntry.objects.get(subject=f"collection:{first.pk}").action == "give_way"


def test_open_by_another_method_cancels_at_the_collector_one_opened_but_not_recorded(
    lightning_collector: SteeredCollector,
) -> None:
    first = never_opened(lightning_collector)
    orphan = lightning_collector.open(CollectionRequest(first.pk, DUE, "", 3_600), now=NOW)

    opened(method="wave")

    assert lightning_collector.cancelled == {orphan.reference}


def test_open_by_another_method_of_one_paid_but_not_recorded_is_refused(
    lightning_collector: SteeredCollector,
) -> None:
    first = never_opened(lightning_collector)
    lightning_collector.received[str(lightning_collector.reference_of(first.pk))] = DUE_MSAT
    with unchanged(), pytest.raises(CollectionAskedOtherwise):
        opened(method="wave")

    reconcile_collection(opened().id, now=NOW)
    assert owed(CREDIT) == DUE_MSAT


def test_open_by_another_method_while_the_first_collector_is_unavailable_is_refused(
    lightning_collector: SteeredCollector,
) -> None:
    never_opened(lightning_collector)
    with lightning_collector.unavailable(), unchanged(), pytest.raises(CollectionAskedOtherwise):
        opened(method="wave")


def test_open_by_another_method_of_one_whose_reference_nobody_knows_is_refused(
    wave_collector: OtherSteeredCollector,
) -> None:
    first = never_opened(wave_collector)
    with unchanged(), pytest.raises(CollectionAskedOtherwise) as error:
        opened(method="lightning")
    assert error.value.facts == {
        "subject": SUBJECT, "collection_id": first.pk, "open_method": "wave", "expires_at": None,
    }  # fmt: skip


def test_open_that_was_cancelled_during_the_collector_call_returns_no_request(
    lightning_collector: SteeredCollector,
) -> None:
    lightning_collector.meanwhile = lambda: opened(method="wave")

    with pytest.raises(CollectionAskedOtherwise) as error:
        opened()

    lost, live = Collection.objects.order_by("pk")
    assert (error.value.facts["collection_id"], error.value.facts["open_method"]) == (live.pk, "wave")
    assert (lost.state, lost.payment_request, live.state) == ("cancelled", "", "open")
    assert record_receipt(
        method="lightning", reference=str(lost.reference), received=DUE, proof="", received_at=NOW, now=NOW
    )
    assert (owed(CREDIT), owed(OVERPAID)) == (0, DUE_MSAT)


def never_opened(collector: SteeredCollector) -> Collection:
    """Leave a request whose collector was unavailable when it should have been opened."""
    with collector.unavailable(), pytest.raises(CollectorUnavailable):
        opened(method=collector.name)
    return Collection.objects.get()


# Receiving


def test_record_receipt_in_full_credits_and_settles() -> None:
    facts = opened()

    assert received(facts)

    row = stored(facts)
    assert (row.state, row.received, row.settled_at, row.ask_at) == ("settled", DUE_MSAT, NOW, None)
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

    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("partial", 0, 0)
    assert owed(clearing_of(facts.id, Currency.MSAT)) == DUE_MSAT - 1
    assert settled_subjects([SUBJECT]) == set()


def test_record_receipt_in_parts_settles_with_the_last_and_counts_each_once() -> None:
    facts = opened()
    parts = {"a": DUE_MSAT - 3, "b": 1, "c": 7}
    for reference, part_msat in parts.items():
        assert part(facts, reference, part_msat)
        assert not part(facts, reference, part_msat)

    assert (stored(facts).state, stored(facts).received) == ("settled", DUE_MSAT + 5)
    assert (owed(CREDIT), owed(OVERPAID), balance(NODE)) == (DUE_MSAT, 5, DUE_MSAT + 5)
    assert owed(clearing_of(facts.id, Currency.MSAT)) == 0
    receipts = Receipt.objects.order_by("pk").values_list("collection_id", "reference", "received")
    assert list(receipts) == [(facts.id, reference, msat) for reference, msat in parts.items()]
    actions = TrailEntry.objects.filter(subject=f"collection:{facts.id}").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["open", "receive_part", "settle"]


def settled_before(facts: CollectionFacts, collector: SteeredCollector) -> None:
    part(facts, "first", DUE_MSAT)


def paid_in_part_before(facts: CollectionFacts, collector: SteeredCollector) -> None:
    part(facts, "first", DUE_MSAT - 3)


def expired_before(facts: CollectionFacts, collector: SteeredCollector) -> None:
    collector.cancelled.add(facts.reference)
    reconcile_collection(facts.id, now=OVER)


def cancelled_before(facts: CollectionFacts, collector: SteeredCollector) -> None:
    cancel_collection(collection_id=facts.id, actor=BY, reason="by Wave instead", now=NOW)


@pytest.mark.parametrize(
    ("before", "state", "received_before_msat", "credited_msat"),
    [
        (None, "settled", 0, DUE_MSAT),
        (paid_in_part_before, "settled", DUE_MSAT - 3, DUE_MSAT),
        (settled_before, "settled", DUE_MSAT, DUE_MSAT),
        (expired_before, "expired", 0, 0),
        (cancelled_before, "cancelled", 0, 0),
    ],
)
def test_payment_is_credited_in_full_whatever_became_of_its_request(
    before: Callable[[CollectionFacts, SteeredCollector], None] | None,
    state: str,
    received_before_msat: int,
    credited_msat: int,
    lightning_collector: SteeredCollector,
) -> None:
    """What is due is credited once; the rest is the payer's, also when the request was settled before."""
    facts = opened()
    if before is not None:
        before(facts, lightning_collector)

    assert part(facts, "one more", DUE_MSAT)
    assert not part(facts, "one more", DUE_MSAT)
    assert part(facts, "and another", 5)

    total_msat = received_before_msat + DUE_MSAT + 5
    assert (stored(facts).state, stored(facts).received) == (state, total_msat)
    assert (owed(CREDIT), owed(OVERPAID)) == (credited_msat, total_msat - credited_msat)
    assert balance(NODE) == total_msat
    assert sum(Receipt.objects.values_list("received", flat=True)) == total_msat


def test_collection_paid_in_part_is_queried_until_the_rest_arrived(
    wave_collector: OtherSteeredCollector,
) -> None:
    facts = opened(method="wave")
    wave_collector.received[facts.reference], wave_collector.last_part[facts.reference] = (
        DUE_MSAT - 1,
        "first",
    )

    for after in (1, 2):
        assert sweep_collections(now=NOW + after * FIVE_MINUTES) == 1
        row = stored(facts)
        assert (row.state, row.received) == ("partial", DUE_MSAT - 1)
        assert row.ask_at == NOW + (after + 1) * FIVE_MINUTES

    wave_collector.received[facts.reference], wave_collector.last_part[facts.reference] = 1, "second"
    assert sweep_collections(now=NOW + 3 * FIVE_MINUTES) == 1
    assert (stored(facts).state, stored(facts).ask_at) == ("settled", None)
    assert owed(CREDIT) == DUE_MSAT


def test_collection_paid_in_part_ends_after_its_expiry_and_its_parts_are_credited_to_the_payer(
    wave_collector: OtherSteeredCollector,
) -> None:
    """Of 10,000 sats all but one msat arrived: two minutes after the expiry it ends, and the subject is free."""
    facts = opened(method="wave")
    part(facts, "first", DUE_MSAT - 1)
    wave_collector.cancelled.add(facts.reference)

    reconcile_collection(facts.id, now=OVER - SECOND)
    assert (stored(facts).state, stored(facts).ask_at) == ("partial", OVER)
    reconcile_collection(facts.id, now=OVER)

    row = stored(facts)
    assert (row.state, row.ask_at, row.trouble, row.received) == ("expired", None, "", DUE_MSAT - 1)
    assert (owed(clearing_of(facts.id, Currency.MSAT)), owed(CREDIT), owed(OVERPAID)) == (0, 0, DUE_MSAT - 1)
    assert TrailEntry.objects.filter(subject=f"collection:{facts.id}").latest("pk").action == "expire"
    assert opened(now=OVER).id != facts.id
    part(facts, "the rest", 1)
    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("expired", 0, DUE_MSAT)


def test_collection_paid_in_part_that_its_collector_reports_as_open_is_cancelled_there_and_ends(
    wave_collector: OtherSteeredCollector,
) -> None:
    facts = opened(method="wave")
    part(facts, "first", 4)

    reconcile_collection(facts.id, now=OVER)

    assert wave_collector.cancelled == {facts.reference}
    assert (stored(facts).state, owed(OVERPAID)) == ("expired", 4)


def test_collection_paid_in_part_never_ends_by_the_word_of_another_node(
    wave_collector: OtherSteeredCollector,
) -> None:
    wave_collector.source = "02our"
    facts = opened(method="wave")
    part(facts, "first", 4)
    wave_collector.source = "03other"
    wave_collector.cancelled.add(facts.reference)

    reconcile_collection(facts.id, now=OVER)

    assert (stored(facts).state, stored(facts).trouble) == ("partial", "answered_elsewhere")
    assert owed(OVERPAID) == 0


def test_open_after_the_expiry_of_one_paid_in_part_ends_it_and_opens_another(
    wave_collector: OtherSteeredCollector,
) -> None:
    first = opened(method="wave")
    part(first, "first", 4)

    second = opened(method="wave", now=OVER)

    assert (stored(first).state, second.state, owed(OVERPAID)) == ("expired", "open", 4)


def test_reconcile_books_every_payment_that_the_collector_lists(
    wave_collector: OtherSteeredCollector,
) -> None:
    """Two payments arrived between two queries: both are counted, once, whatever is asked again."""
    facts = opened(method="wave")
    wave_collector.payments[facts.reference] = {"a": DUE_MSAT - 3, "b": 8}

    reconcile_collection(facts.id, now=NOW)
    with unchanged():
        reconcile_collection(facts.id, now=NOW)

    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("settled", DUE_MSAT, 5)


# Another node


def test_open_stores_the_node_that_opened_it(lightning_collector: SteeredCollector) -> None:
    lightning_collector.source = "02our"
    assert stored(opened()).source == "02our"


def test_reconcile_what_another_node_does_not_know_never_expires_it(
    lightning_collector: SteeredCollector,
) -> None:
    lightning_collector.source = "02our"
    facts = opened()
    lightning_collector.cancelled.add(facts.reference)
    lightning_collector.source = "03other"

    for later in (OVER, OVER + 30 * DAY):
        reconcile_collection(facts.id, now=later)
        row = stored(facts)
        assert (row.state, row.trouble, row.ask_at) == ("open", "answered_elsewhere", later + FIVE_MINUTES)

    assert collections_with_problems() == {"answered_elsewhere": 1}
    lightning_collector.source = "02our"
    reconcile_collection(facts.id, now=OVER + 31 * DAY)
    assert (stored(facts).state, stored(facts).trouble) == ("expired", "")
    assert collections_with_problems() == {}


def test_reconcile_of_a_request_that_its_own_node_knows_again_clears_the_problem(
    lightning_collector: SteeredCollector,
) -> None:
    lightning_collector.source = "02our"
    facts = opened()
    lightning_collector.source = "03other"
    reconcile_collection(facts.id, now=NOW)
    lightning_collector.source = "02our"

    reconcile_collection(facts.id, now=NOW)

    assert (stored(facts).state, stored(facts).trouble) == ("open", "")


def test_reconcile_an_old_row_that_names_no_node_expires_as_before(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()
    lightning_collector.cancelled.add(facts.reference)
    lightning_collector.source = "02our"

    reconcile_collection(facts.id, now=OVER)

    assert stored(facts).state == "expired"


@pytest.mark.parametrize(("problem", "status"), [("", "ok"), ("answered_elsewhere", "degraded")])
def test_health_reports_collections_with_problems(problem: str, status: str) -> None:
    facts = opened()
    Collection.objects.filter(pk=facts.id).update(trouble=problem)
    (report,) = [check.run(NOW) for check in HEALTH_CHECKS if check.component == "collections"]
    assert report.status == status
    assert report.facts == {"answered_elsewhere": int(bool(problem))}


def part(facts: CollectionFacts, payment_reference: str, amount: int) -> bool:
    """Record one of several payments of a collection."""
    return received(facts, amount, payment=payment_reference)


@pytest.mark.parametrize("again_msat", [DUE_MSAT, 1])
def test_record_receipt_twice_counts_once(again_msat: int) -> None:
    facts = opened()
    received(facts)
    with unchanged():
        assert not received(facts, again_msat)


def test_record_receipt_for_nobody_is_refused() -> None:
    with unchanged(), pytest.raises(CollectionMissing) as error:
        record_receipt(
            method="lightning", reference="unknown", received=msat(1), proof="", received_at=NOW, now=NOW
        )
    assert error.value.facts == {"reference": "unknown"}


def test_record_receipt_for_a_cancelled_request_credits_the_payer(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()
    lightning_collector.cancelled.add(facts.reference)
    reconcile_collection(facts.id, now=OVER)

    assert received(facts)

    row = stored(facts)
    assert (row.state, row.received) == ("expired", DUE_MSAT)
    assert (owed(CREDIT), owed(OVERPAID)) == (0, DUE_MSAT)


def test_record_receipt_keeps_when_it_arrived() -> None:
    facts = opened()
    early = NOW - timedelta(minutes=3)

    record_receipt(
        method="lightning", reference=facts.reference, received=DUE, proof="aa", received_at=early, now=NOW
    )

    receipt = Receipt.objects.get()
    assert (receipt.received_at, receipt.proof, receipt.transaction.posted_at) == (early, "aa", early)
    assert stored(facts).settled_at == early


# Queries


def test_reconcile_what_was_paid_books_it(lightning_collector: SteeredCollector) -> None:
    facts = opened()
    lightning_collector.received[facts.reference] = DUE_MSAT

    reconcile_collection(facts.id, now=NOW)
    with unchanged():
        reconcile_collection(facts.id, now=NOW)

    assert (stored(facts).state, owed(CREDIT)) == ("settled", DUE_MSAT)


def test_reconcile_of_an_open_request_queries_again_in_five_minutes() -> None:
    facts = opened()

    later = NOW + timedelta(hours=1)
    reconcile_collection(facts.id, now=later)

    assert (stored(facts).state, stored(facts).ask_at) == ("open", later + FIVE_MINUTES)


def test_reconcile_shortly_before_the_expiry_queries_two_minutes_after_it() -> None:
    facts = opened()

    reconcile_collection(facts.id, now=NOW + DAY - timedelta(minutes=1))

    assert stored(facts).ask_at == NOW + DAY + timedelta(minutes=2)


def test_reconcile_of_a_request_cancelled_at_the_collector_expires_it(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()
    lightning_collector.cancelled.add(facts.reference)

    reconcile_collection(facts.id, now=OVER)

    assert (stored(facts).state, stored(facts).ask_at, stored(facts).live_subject) == ("expired", None, None)


@pytest.mark.parametrize(
    ("asked_at", "ask_again_at"),
    [
        (NOW, NOW + FIVE_MINUTES),
        (NOW + DAY - MINUTE, OVER),
        (NOW + DAY + SECOND, OVER),
        (OVER - SECOND, OVER),
    ],
)
def test_reconcile_of_a_request_unknown_to_a_replaced_node_keeps_it_open_until_its_expiry(
    lightning_collector: SteeredCollector, asked_at: datetime, ask_again_at: datetime
) -> None:
    """A replaced node knows none of our requests; the right one may come back."""
    facts = opened()
    lightning_collector.cancelled.add(facts.reference)

    reconcile_collection(facts.id, now=asked_at)

    assert (stored(facts).state, stored(facts).ask_at) == ("open", ask_again_at)
    lightning_collector.received[facts.reference] = DUE_MSAT
    sweep_collections(now=ask_again_at)
    assert (stored(facts).state, owed(CREDIT)) == ("settled", DUE_MSAT)


def test_reconcile_while_the_collector_is_unavailable_changes_nothing(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()
    with lightning_collector.unavailable(), unchanged(), pytest.raises(CollectorUnavailable):
        reconcile_collection(facts.id, now=NOW)


def test_sweep_queries_only_what_is_due(lightning_collector: SteeredCollector) -> None:
    first = opened("contribution:1")
    second = opened("contribution:2", now=NOW + timedelta(minutes=1))
    for facts in (first, second):
        lightning_collector.received[facts.reference] = DUE_MSAT

    assert sweep_collections(now=NOW + FIVE_MINUTES) == 1
    assert (stored(first).state, stored(second).state) == ("settled", "open")
    assert sweep_collections(now=NOW + timedelta(minutes=6)) == 1
    assert sweep_collections(now=NOW + timedelta(minutes=60)) == 0


def test_sweep_while_one_collector_is_unavailable_still_queries_the_other(
    lightning_collector: SteeredCollector, wave_collector: OtherSteeredCollector
) -> None:
    waiting = opened("contribution:1", method="wave")
    paid = opened("contribution:2")
    lightning_collector.received[paid.reference] = DUE_MSAT

    with wave_collector.unavailable():
        assert sweep_collections(now=NOW + FIVE_MINUTES) == 1

    assert (stored(waiting).state, stored(paid).state) == ("open", "settled")
    assert stored(waiting).ask_at == NOW + FIVE_MINUTES + MINUTE


def test_sweep_with_one_failed_query_queries_the_others(lightning_collector: SteeredCollector) -> None:
    failing, paid = opened("contribution:1"), opened("contribution:2")
    lightning_collector.failing = {failing.reference}
    lightning_collector.received[paid.reference] = DUE_MSAT

    assert sweep_collections(now=NOW + FIVE_MINUTES) == 1

    assert (stored(failing).state, stored(failing).ask_at) == ("open", NOW + FIVE_MINUTES + MINUTE)
    assert stored(paid).state == "settled"
    lightning_collector.failing, lightning_collector.received[failing.reference] = set(), DUE_MSAT
    assert sweep_collections(now=NOW + FIVE_MINUTES + MINUTE) == 1
    assert stored(failing).state == "settled"


def test_sweep_with_three_failures_in_a_row_stops_the_method_until_the_next_sweep(
    lightning_collector: SteeredCollector,
) -> None:
    facts = [opened(f"contribution:{number}") for number in range(9)]
    references = [one.reference for one in facts]
    lightning_collector.failing = {*references[:2], *references[3:7]}

    assert sweep_collections(now=NOW + FIVE_MINUTES) == 1
    assert lightning_collector.asked == references[:6]

    lightning_collector.asked.clear()
    assert sweep_collections(now=NOW + FIVE_MINUTES + SECOND) == 2
    assert lightning_collector.asked == references[6:]


def test_sweep_of_an_unavailable_method_with_more_than_a_sweeps_limit_still_queries_the_other(
    lightning_collector: SteeredCollector, wave_collector: OtherSteeredCollector
) -> None:
    for number in range(3):
        opened(f"contribution:{number}", method="wave")
    paid = opened("contribution:9", now=NOW + SECOND)
    lightning_collector.received[paid.reference] = DUE_MSAT

    with wave_collector.unavailable():
        assert sweep_collections(now=NOW + DAY, limit=2) == 1

    assert stored(paid).state == "settled"


def test_sweep_of_a_method_that_was_removed_still_queries_the_other(
    lightning_collector: SteeredCollector, settings: Settings
) -> None:
    opened("contribution:1", method="wave")
    paid = opened("contribution:2")
    lightning_collector.received[paid.reference] = DUE_MSAT
    settings.COLLECTORS = {"lightning": settings.COLLECTORS["lightning"]}
    collector.cache_clear()
    found = collector("lightning")
    assert isinstance(found, SteeredCollector)
    found.requests, found.received = lightning_collector.requests, lightning_collector.received

    assert sweep_collections(now=NOW + FIVE_MINUTES) == 1
    assert stored(paid).state == "settled"


def test_sweep_after_an_outage_books_what_was_paid_meanwhile(lightning_collector: SteeredCollector) -> None:
    facts = opened()
    with lightning_collector.unavailable():
        assert sweep_collections(now=NOW + FIVE_MINUTES) == 0
    lightning_collector.received[facts.reference] = DUE_MSAT

    assert sweep_collections(now=NOW + FIVE_MINUTES + MINUTE) == 1
    assert stored(facts).state == "settled"


def test_make_open_collections_due_makes_each_queried_next(lightning_collector: SteeredCollector) -> None:
    facts = opened()
    lightning_collector.received[facts.reference] = DUE_MSAT

    assert make_open_collections_due(now=NOW) == 1
    assert sweep_collections(now=NOW) == 1

    assert collections_for([SUBJECT])[SUBJECT].state == "settled"
