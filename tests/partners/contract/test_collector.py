"""What every partner's collector keeps to: one request per collection, and each payment counts once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from ledger.types import xof
from sandbox.simulator.script import Reply, Step
from tests.partners.calls import Asked, counted, eventually, impatient, now
from tests.partners.harness import DISTINCT, Harness
from transfers.collectors import Collector
from transfers.errors import CollectorUnavailable
from transfers.types import CollectionStatus

PARTNERS = DISTINCT
OPEN, SETTLED, CANCELLED = "open", "settled", "cancelled"


def opened(collector: Collector, asked: Asked) -> str:
    """Open a request; return its reference."""
    return collector.open(asked.request, now=now()).reference


def paid(collector: Collector, reference: str, *, payments: int = 1) -> CollectionStatus:
    """Return the state once so many payments are listed."""
    return eventually(
        lambda: collector.find(reference), lambda found: len(found.payments_of(reference)) >= payments
    )


def test_account_is_in_francs_and_named_after_the_partner(partner: Harness, collector: Collector) -> None:
    assert collector.name == partner.name
    assert collector.account.code == f"partner_float:XOF:{partner.name}"
    assert collector.wants_phone
    assert isinstance(collector.needs_phone, bool)
    assert collector.paid_late_for >= timedelta(0)


def test_open_gives_the_payer_something_and_the_same_request_again(
    partner: Harness, collector: Collector, asked: Asked
) -> None:
    at = now()
    first = collector.open(asked.request, now=at)

    assert first.reference == collector.reference_of(asked.collection_id)
    assert first.expires_at > at
    again = collector.open(asked.request, now=now())
    assert again.reference == first.reference
    # What a partner does not list before it is paid is made anew, under the same reference.
    assert (again.checkout_url == first.checkout_url) is partner.traits.is_listed_unpaid

    partner.pay_in(first.reference)
    found = paid(collector, first.reference)
    assert (found.state, found.received) == (SETTLED, xof(913))


def test_reference_is_known_before_it_is_opened_and_differs_per_collection(collector: Collector) -> None:
    references = [collector.reference_of(number) for number in (1, 2, 1)]

    assert references[0] == references[2] != references[1]
    assert None not in references


def test_request_that_nobody_paid_is_open(collector: Collector, asked: Asked) -> None:
    reference = opened(collector, asked)

    found = collector.find(reference)

    assert (found.state, found.received, found.payments) == (OPEN, xof(0), ())


def test_payment_is_reported_with_its_own_reference(
    partner: Harness, collector: Collector, asked: Asked
) -> None:
    reference = opened(collector, asked)
    partner.pay_in(reference)

    found = paid(collector, reference)

    assert (found.state, found.received) == (SETTLED, xof(913))
    (payment,) = found.payments_of(reference)
    assert payment.received == xof(913)
    assert payment.reference
    # One that can be paid twice needs a reference for each payment.
    assert payment.reference != reference or not partner.traits.takes_second_payment
    assert collector.find(reference) == found


def test_second_payment_is_reported_beside_the_first(
    partner: Harness, collector: Collector, asked: Asked
) -> None:
    if not partner.traits.takes_second_payment:
        pytest.skip("this partner ends a request with its first payment")
    reference = opened(collector, asked)
    partner.pay_in(reference)
    partner.pay_in(reference)

    found = paid(collector, reference, payments=2)

    assert (found.state, found.received) == (SETTLED, xof(1_826))
    assert len({payment.reference for payment in found.payments_of(reference)}) == 2


def test_part_leaves_the_request_open_and_counts(
    partner: Harness, collector: Collector, asked: Asked
) -> None:
    if not partner.traits.takes_other_amounts:
        pytest.skip("a payer of this partner pays what is asked for")
    reference = opened(collector, asked)
    partner.pay_in(reference, 400)
    found = paid(collector, reference)
    assert (found.state, found.received) == (OPEN, xof(400))

    partner.pay_in(reference, 513)
    found = paid(collector, reference, payments=2)
    assert (found.state, found.received) == (SETTLED, xof(913))


def test_cancel_ends_a_request_only_where_the_partner_does(
    partner: Harness, collector: Collector, asked: Asked
) -> None:
    reference = opened(collector, asked)

    found = collector.cancel(reference)

    assert found.state == (CANCELLED if partner.traits.is_cancellable else OPEN)
    assert found.received == xof(0)


def test_cancel_of_a_paid_request_reports_the_payment(
    partner: Harness, collector: Collector, asked: Asked
) -> None:
    reference = opened(collector, asked)
    partner.pay_in(reference)
    paid(collector, reference)

    found = collector.cancel(reference)

    assert (found.state, found.received) == (SETTLED, xof(913))


def test_unknown_request_has_received_nothing(collector: Collector) -> None:
    reference = collector.reference_of(10**6)
    assert reference is not None

    assert counted(lambda: collector.find(reference)) == 0
    assert counted(lambda: collector.cancel(reference)) == 0


@pytest.mark.parametrize("script", ["wrong-currency", "wrong-amount"])
def test_request_that_was_opened_otherwise_counts_only_francs(
    partner: Harness, collector: Collector, asked: Asked, script: str
) -> None:
    partner.script_open(script)
    with suppress(CollectorUnavailable):
        opened(collector, asked)
    reference = collector.reference_of(asked.collection_id)
    assert reference is not None
    with suppress(Exception):
        partner.pay_in(reference)

    received = counted(lambda: collector.find(reference))

    assert received in ({0} if script == "wrong-currency" else {0, 1})


@pytest.mark.parametrize(
    "step", [Step(reply=reply) for reply in (Reply.LOST, Reply.RESET, Reply.STATUS, Reply.HTML, Reply.STALL)]
)
def test_open_whose_answer_was_lost_makes_one_request_that_counts_once(
    partner: Harness, asked: Asked, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(partner, monkeypatch)
    collector = partner.collector()
    partner.script_open(step)
    with suppress(CollectorUnavailable):
        opened(collector, asked)

    reference = opened(collector, asked)

    partner.pay_in(reference)
    found = paid(collector, reference)
    assert (found.state, found.received) == (SETTLED, xof(913))
    assert len(found.payments_of(reference)) == 1


@pytest.mark.parametrize("script", ["error-before", "html-before", "lost-before", "too-many-requests"])
def test_open_that_did_nothing_is_unavailable_and_works_the_next_time(
    partner: Harness, collector: Collector, asked: Asked, script: str
) -> None:
    partner.script_open(script)
    with pytest.raises(CollectorUnavailable):
        opened(collector, asked)

    reference = opened(collector, asked)

    partner.pay_in(reference)
    assert paid(collector, reference).received == xof(913)


def test_refused_credentials_open_nothing(partner: Harness, collector: Collector, asked: Asked) -> None:
    partner.script_open("unauthorized", times=-1)

    with pytest.raises(CollectorUnavailable) as refusal:
        opened(collector, asked)

    assert refusal.value.facts["collector"] == partner.name


def test_partner_that_is_not_there_is_unavailable(
    partner: Harness, collector: Collector, asked: Asked
) -> None:
    reference = opened(collector, asked)
    partner.kill()
    try:
        calls: list[Callable[[], Any]] = [
            lambda: collector.open(asked.request, now=now()),
            lambda: collector.find(reference),
            lambda: collector.cancel(reference),
        ]
        for call in calls:
            with pytest.raises(CollectorUnavailable) as refusal:
                call()
            assert refusal.value.facts["collector"] == partner.name
    finally:
        partner.start()
    partner.pay_in(reference)
    assert paid(collector, reference).received == xof(913)
