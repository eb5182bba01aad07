"""A provider that lists a request only once it was paid, and cancels none: a request is over when it has expired."""

from datetime import timedelta

import pytest

from ledger.queries import owed
from tests.transfers.builders import BY, NOW
from tests.transfers.collecting import CREDIT, DUE_MSAT, OVERPAID, SUBJECT, opened, received, stored
from tests.transfers.rails import OtherSteeredCollector
from transfers.errors import CollectionAskedOtherwise, CollectionNotCancellable
from transfers.models import Collection
from transfers.services.cancellations import cancel_collection
from transfers.services.collections import reconcile_collection

pytestmark = pytest.mark.django_db

SECOND, DAY = timedelta(seconds=1), timedelta(hours=24)
OVER = NOW + DAY + timedelta(minutes=2)


@pytest.fixture(autouse=True)
def unlisted(wave_collector: OtherSteeredCollector) -> None:
    wave_collector.lists_paid_ones_only = True
    wave_collector.paid_late_for = timedelta(hours=48)


def test_request_that_is_not_listed_stays_open_until_it_has_expired() -> None:
    facts = opened(method="wave")
    for at in (NOW + SECOND, NOW + DAY, OVER - SECOND):
        reconcile_collection(facts.id, now=at)
        assert stored(facts).state == "open"

    reconcile_collection(facts.id, now=OVER)

    assert (stored(facts).state, stored(facts).live_subject) == ("expired", None)
    assert stored(facts).ask_at == OVER + timedelta(hours=1)
    assert opened(now=OVER).id != facts.id


def test_payment_that_is_listed_later_is_the_payers() -> None:
    facts = opened(method="wave")
    reconcile_collection(facts.id, now=OVER)

    received(facts, now=OVER + DAY)

    assert (stored(facts).state, owed(CREDIT), owed(OVERPAID)) == ("expired", 0, DUE_MSAT)


def test_request_that_another_account_answers_about_never_expires(
    wave_collector: OtherSteeredCollector,
) -> None:
    wave_collector.source = "first"
    facts = opened(method="wave")
    wave_collector.source = "second"

    reconcile_collection(facts.id, now=OVER)

    assert (stored(facts).state, stored(facts).trouble) == ("open", "answered_elsewhere")


def test_cancel_of_a_request_that_may_be_paid_is_refused() -> None:
    facts = opened(method="wave")

    with pytest.raises(CollectionNotCancellable):
        cancel_collection(collection_id=facts.id, actor=BY, reason="for this test", now=NOW + SECOND)
    assert stored(facts).state == "open"


def test_other_method_is_refused_while_a_request_may_be_paid() -> None:
    facts = opened(method="wave")

    with pytest.raises(CollectionAskedOtherwise):
        opened(method="lightning", now=NOW + SECOND)
    assert list(Collection.objects.filter(subject=SUBJECT).values_list("pk", flat=True)) == [facts.id]


def test_withdrawn_request_is_asked_about_until_it_has_expired() -> None:
    facts = opened(method="wave")
    Collection.objects.filter(pk=facts.id).update(state="withdrawn")
    reconcile_collection(facts.id, now=NOW + SECOND)
    assert stored(facts).ask_at == NOW + SECOND + timedelta(minutes=5)

    reconcile_collection(facts.id, now=OVER)

    assert stored(facts).ask_at == OVER + timedelta(hours=1)
