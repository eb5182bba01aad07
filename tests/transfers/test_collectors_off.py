"""A collector that is switched off: no new request is opened; what was requested before is asked about and booked."""

from typing import Never

import pytest

from tests.transfers.builders import BY
from tests.transfers.collecting import CREDIT, DUE, OVERPAID, SUBJECT, opened, received, stored
from tests.transfers.rails import OtherSteeredCollector, SteeredCollector, Watch
from tests.transfers.switching import switched_off, switched_on
from tests.transfers.unchanged import unchanged
from transfers.errors import CollectorCredentialsRefused, CollectorSwitchedOff, CollectorUnavailable
from transfers.models import Collection
from transfers.services.cancellations import cancel_collection, withdraw_collections
from transfers.services.collections import (
    announce_collection,
    make_way,
    request_collection,
    sweep_collections,
)
from transfers.services.switches import switch_of

pytestmark = pytest.mark.django_db


def requested(watch: Watch, method: str = "wave") -> int:
    """Store a request that is not opened."""
    make_way(subject=SUBJECT, method=method, actor=BY, now=watch())
    return request_collection(
        subject=SUBJECT, due=DUE, method=method, credit=CREDIT, overpaid=OVERPAID, memo="contribution", now=watch(),
    )  # fmt: skip


def refuse(*_: object, **__: object) -> Never:
    raise CollectorCredentialsRefused(collector="wave", detail="key revoked")


def test_no_request_is_stored_or_opened_while_the_collector_is_off(
    wave_collector: OtherSteeredCollector, watch: Watch
) -> None:
    switched_off(watch, "wave")

    with unchanged(), pytest.raises(CollectorSwitchedOff) as refusal:
        opened(method="wave")

    assert refusal.value.facts == {"method": "wave"}
    assert wave_collector.requests == {}


def test_requests_by_another_method_are_opened(watch: Watch) -> None:
    switched_off(watch, "wave")
    assert opened(method="lightning").state == "open"


def test_stored_request_is_not_opened_after_its_collector_was_switched_off(
    wave_collector: OtherSteeredCollector, watch: Watch
) -> None:
    collection_id = requested(watch)
    switched_off(watch, "wave")

    with unchanged(), pytest.raises(CollectorSwitchedOff):
        announce_collection(collection_id, actor=BY, now=watch())
    with unchanged(), pytest.raises(CollectorSwitchedOff):
        requested(watch)

    assert wave_collector.requests == {}
    switched_on(watch, "wave")
    assert announce_collection(collection_id, actor=BY, now=watch()).state == "open"


def test_open_request_is_returned_again_asked_about_and_booked(
    wave_collector: OtherSteeredCollector, watch: Watch
) -> None:
    facts = opened(method="wave")
    switched_off(watch, "wave")

    assert opened(method="wave") == facts
    wave_collector.received[facts.reference] = facts.amount.amount
    watch.advance(3_600)
    sweep_collections(now=watch())

    assert stored(facts).state == "settled"


def test_payment_that_is_reported_while_the_collector_is_off_is_booked(watch: Watch) -> None:
    facts = opened(method="wave")
    switched_off(watch, "wave")
    assert received(facts, payment="part-1")
    assert stored(facts).state == "settled"


def test_open_request_is_cancelled_while_the_collector_is_off(
    wave_collector: OtherSteeredCollector, watch: Watch
) -> None:
    facts = opened(method="wave")
    switched_off(watch, "wave")
    cancelled = cancel_collection(collection_id=facts.id, actor=BY, reason="other method", now=watch())
    assert cancelled.state == "cancelled"


def test_withdrawn_request_without_a_reference_waits_and_keeps_no_other_waiting(
    wave_collector: OtherSteeredCollector, watch: Watch
) -> None:
    """Its reference is learnt by opening it again, which is not done while the collector is off."""
    collection_id = requested(watch)
    withdraw_collections(subjects=[SUBJECT], actor=BY, reason="ended", now=watch())
    switched_off(watch, "wave")

    assert sweep_collections(now=watch()) == 1
    assert wave_collector.requests == {}

    switched_on(watch, "wave")
    watch.advance(60)
    sweep_collections(now=watch())
    assert len(wave_collector.requests) == 1
    assert Collection.objects.get(pk=collection_id).reference is not None


# Refused credentials


@pytest.mark.parametrize("call", ["open", "find", "cancel"])
def test_refused_credentials_switch_the_provider_off(
    wave_collector: OtherSteeredCollector, watch: Watch, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    facts = None if call == "open" else opened(method="wave")
    monkeypatch.setattr(wave_collector, call, refuse)

    if facts is None:
        with pytest.raises(CollectorCredentialsRefused):
            opened(method="wave")
    elif call == "find":
        watch.advance(3_600)
        assert sweep_collections(now=watch()) == 0
    else:
        with pytest.raises(CollectorUnavailable):
            cancel_collection(collection_id=facts.id, actor=BY, reason="other method", now=watch())

    row = switch_of("wave")
    assert (row.is_on, row.code) == (False, "collector-credentials-refused")
    assert row.facts == {"collector": "wave", "detail": "key revoked"}
    assert switch_of("lightning").is_on


def test_unavailable_collector_stays_on(lightning_collector: SteeredCollector, watch: Watch) -> None:
    with lightning_collector.unavailable(), pytest.raises(CollectorUnavailable):
        opened(method="lightning")
    assert switch_of("lightning").is_on
