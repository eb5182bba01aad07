"""Cancelling a collection: confirmed by its collector, or refused."""

import pytest

from ledger.enums import Currency
from ledger.models import JournalTransaction
from ledger.queries import owed
from ledger.types import msat
from sunusav.core.actors import Actor
from sunusav.core.models import TrailEntry
from tests.transfers.builders import NOW
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, SUBJECT, opened, received, stored
from tests.transfers.rails import OtherSteeredCollector, SteeredCollector
from tests.transfers.unchanged import unchanged
from transfers.errors import (
    CollectionAnsweredElsewhere,
    CollectionNotCancellable,
    CollectionSettled,
    CollectorUnavailable,
)
from transfers.models import Collection
from transfers.receipt_booking import clearing_of
from transfers.services.cancellations import cancel_collection
from transfers.types import CollectionFacts, CollectionStatus

pytestmark = pytest.mark.django_db

AWA = Actor.system("awa")


def cancelled(collection_id: int) -> CollectionFacts:
    return cancel_collection(collection_id=collection_id, actor=AWA, reason="by Wave instead", now=NOW)


def test_cancel_cancels_at_the_collector_and_frees_the_subject_for_another_method(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()

    cancelled_facts = cancelled(facts.id)

    assert (cancelled_facts.state, stored(facts).ask_at, lightning_collector.cancelled) == (
        "cancelled",
        None,
        {facts.reference},
    )
    line = TrailEntry.objects.filter(subject=f"collection:{facts.id}").latest("id")
    assert (line.action, line.actor_label, line.reason) == ("cancel", "system:awa", "by Wave instead")
    assert opened(method="wave").method == "wave"


def test_cancel_of_a_request_paid_meanwhile_books_it(lightning_collector: SteeredCollector) -> None:
    facts = opened()
    lightning_collector.received[facts.reference] = DUE_MSAT + 7

    with pytest.raises(CollectionSettled) as error:
        cancelled(facts.id)

    assert error.value.facts == {"subject": SUBJECT, "collection_id": facts.id}
    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("settled", DUE_MSAT, 7)


def test_cancel_what_is_settled_is_refused() -> None:
    facts = opened()
    received(facts)
    with unchanged(), pytest.raises(CollectionSettled):
        cancelled(facts.id)


def test_cancel_again_is_refused() -> None:
    facts = opened()
    cancelled(facts.id)
    with unchanged(), pytest.raises(CollectionNotCancellable) as error:
        cancelled(facts.id)
    assert error.value.facts == {"collection_id": facts.id, "state": "cancelled", "why": "it is closed"}


def test_cancel_what_was_paid_in_part_credits_its_parts_to_the_payer(
    wave_collector: OtherSteeredCollector,
) -> None:
    facts = opened(method="wave")
    received(facts, 3)
    received(facts, 4, payment="second")

    assert cancelled(facts.id).state == "cancelled"

    row = stored(facts)
    assert (row.received, row.ask_at) == (7, None)
    assert JournalTransaction.objects.get(ended_collection=row).kind == "parts_credited"
    assert (owed(clearing_of(facts.id, Currency.MSAT)), owed(CREDIT), owed(OVERPAID)) == (0, 0, 7)
    assert wave_collector.cancelled == {facts.reference}
    entry = TrailEntry.objects.filter(subject=f"collection:{facts.id}").latest("pk")
    assert (entry.action, entry.from_state, entry.reason) == ("cancel", "partial", "by Wave instead")
    assert opened().id != facts.id


def test_cancel_of_a_request_that_was_paid_in_part_meanwhile_credits_the_part(
    wave_collector: OtherSteeredCollector,
) -> None:
    facts = opened(method="wave")
    wave_collector.payments[facts.reference] = {"a": 5}

    assert cancelled(facts.id).state == "cancelled"

    assert (owed(CREDIT), owed(OVERPAID)) == (0, 5)


def test_cancel_what_was_paid_in_part_while_its_collector_reports_it_as_open_is_refused(
    wave_collector: OtherSteeredCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = opened(method="wave")
    received(facts, 3)
    monkeypatch.setattr(wave_collector, "cancel", lambda _: CollectionStatus("open", msat(0), "", None))
    with unchanged(), pytest.raises(CollectionNotCancellable) as error:
        cancelled(facts.id)
    assert error.value.facts["why"] == "it is being paid at this moment"


def test_cancel_while_the_collector_is_unavailable_changes_nothing(
    lightning_collector: SteeredCollector,
) -> None:
    facts = opened()
    with lightning_collector.unavailable(), unchanged(), pytest.raises(CollectorUnavailable):
        cancelled(facts.id)


def test_cancel_that_another_node_answers_is_refused_and_shown(lightning_collector: SteeredCollector) -> None:
    lightning_collector.source = "02our"
    facts = opened()
    lightning_collector.source = "03other"

    with pytest.raises(CollectionAnsweredElsewhere) as error:
        cancelled(facts.id)

    assert error.value.facts == {"collection_id": facts.id, "asked_of": "02our", "answered_by": "03other"}
    assert (stored(facts).state, stored(facts).trouble) == ("open", "answered_elsewhere")


def test_cancel_that_the_collector_does_not_confirm_is_refused(
    lightning_collector: SteeredCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = opened()
    monkeypatch.setattr(lightning_collector, "cancel", lambda _: CollectionStatus("open", msat(0), "", None))
    with unchanged(), pytest.raises(CollectionNotCancellable) as error:
        cancelled(facts.id)
    assert error.value.facts["why"] == "it is being paid at this moment"


def test_cancel_of_an_unrecorded_request_uses_the_reference_it_must_have(
    lightning_collector: SteeredCollector,
) -> None:
    with lightning_collector.unavailable(), pytest.raises(CollectorUnavailable):
        opened()
    row = Collection.objects.get()

    cancelled_facts = cancelled(row.pk)

    assert (cancelled_facts.state, cancelled_facts.reference) == (
        "cancelled",
        lightning_collector.reference_of(row.pk),
    )


@pytest.mark.parametrize("knows", ["nothing", "a payment"])
def test_cancel_of_a_request_that_may_have_been_opened_is_refused(
    lightning_collector: SteeredCollector, wave_collector: OtherSteeredCollector, knows: str
) -> None:
    chosen = wave_collector if knows == "nothing" else lightning_collector
    with chosen.unavailable(), pytest.raises(CollectorUnavailable):
        opened(method=chosen.name)
    row = Collection.objects.get()
    lightning_collector.received[str(lightning_collector.reference_of(row.pk))] = DUE_MSAT

    with unchanged(), pytest.raises(CollectionNotCancellable) as error:
        cancelled(row.pk)

    assert error.value.facts["why"] == "whether it was opened is not known; ask for it again first"


def test_money_that_arrives_for_a_cancelled_request_is_the_payers() -> None:
    facts = opened()
    cancelled(facts.id)

    assert received(facts)

    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("cancelled", 0, DUE_MSAT)
