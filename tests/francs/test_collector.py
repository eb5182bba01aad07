"""The franc collector against its provider. Amounts: whole francs; 10,000 sats at 9,123,457 XOF are 913 francs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.types import xof
from partners.references import collection_reference
from tests.francs.collector import FrancCollector
from tests.francs.process import FrancProcess
from transfers.collectors import Collector
from transfers.errors import CollectorUnavailable
from transfers.types import CollectedPayment, CollectionRequest, CollectionStatus, OpenedCollection

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
REFERENCE = collection_reference("franc", 7)


@pytest.fixture
def collector(francs: FrancProcess) -> FrancCollector:
    francs.control.set_clock(NOW)
    return FrancCollector()


def request(**changes: Any) -> CollectionRequest:
    facts = {"collection_id": 7, "amount": xof(913), "memo": "", "expires_in_seconds": 3_600, **changes}
    return CollectionRequest(**facts)


def paid(number: int, amount: int, *, at: datetime = NOW) -> CollectedPayment:
    return CollectedPayment(f"FRC-{number}", xof(amount), f"FRC-{number}", at)


def status(state: str, *amounts: int, at: datetime = NOW) -> CollectionStatus:
    """Return what is reported after payments of these amounts."""
    payments = tuple(paid(number, amount, at=at) for number, amount in enumerate(amounts, start=1))
    settled_at = at if payments else None
    return CollectionStatus(state, xof(sum(amounts)), "", settled_at, source="franc-1", payments=payments)


def test_open_gives_a_page_to_pay_on_and_the_same_one_again(collector: Collector) -> None:
    opened = collector.open(request(phone="+221771234567"), now=NOW)

    assert opened == OpenedCollection(
        reference=REFERENCE, payment_request="", checkout_url="https://francs.example/pay/1",
        expires_at=NOW + timedelta(hours=1), source="franc-1",
    )  # fmt: skip
    assert collector.open(request(), now=NOW + timedelta(minutes=1)) == opened
    assert collector.reference_of(7) == REFERENCE
    assert collector.account.code == "partner_float:XOF:franc"
    assert collector.find(REFERENCE) == status("open")


def test_open_of_the_same_collection_for_another_amount_is_refused(collector: FrancCollector) -> None:
    collector.open(request(), now=NOW)

    with pytest.raises(CollectorUnavailable, match="reference_used_otherwise"):
        collector.open(request(amount=xof(914)), now=NOW)


def test_collection_paid_exactly_is_settled(francs: FrancProcess, collector: FrancCollector) -> None:
    collector.open(request(), now=NOW)
    francs.control.pay_in(REFERENCE, 913)

    assert collector.find(REFERENCE) == status("settled", 913)


def test_parts_and_what_comes_after_them_are_each_reported(
    francs: FrancProcess, collector: FrancCollector
) -> None:
    collector.open(request(), now=NOW)

    seen = []
    for amount in (400, 500, 20, 913):
        francs.control.pay_in(REFERENCE, amount)
        seen.append(collector.find(REFERENCE))

    assert seen == [
        status("open", 400), status("open", 400, 500), status("settled", 400, 500, 20),
        status("settled", 400, 500, 20, 913),
    ]  # fmt: skip


def test_payment_that_is_listed_twice_counts_once(francs: FrancProcess, collector: FrancCollector) -> None:
    collector.open(request(), now=NOW)
    francs.control.pay_in(REFERENCE, 400, listed=2)

    assert collector.find(REFERENCE) == status("open", 400)


@pytest.mark.parametrize("how", ["expired", "cancelled"])
def test_payment_after_the_end_is_reported(francs: FrancProcess, collector: FrancCollector, how: str) -> None:
    collector.open(request(), now=NOW)
    if how == "expired":
        francs.control.set_clock(NOW + timedelta(hours=1))
        assert collector.find(REFERENCE) == status("cancelled")
    else:
        assert collector.cancel(REFERENCE) == status("cancelled")
    at = NOW + timedelta(hours=2)
    francs.control.set_clock(at)

    francs.control.pay_in(REFERENCE, 100)
    assert collector.find(REFERENCE) == status("cancelled", 100, at=at)
    francs.control.pay_in(REFERENCE, 813)
    assert collector.find(REFERENCE) == status("settled", 100, 813, at=at)


def test_cancel_reports_a_payment_that_came_first(francs: FrancProcess, collector: FrancCollector) -> None:
    collector.open(request(), now=NOW)
    francs.control.pay_in(REFERENCE, 913)

    assert collector.cancel(REFERENCE) == status("settled", 913)


def test_unknown_collection_is_cancelled_by_the_account_that_answered(
    francs: FrancProcess, collector: FrancCollector
) -> None:
    francs.control.set(account="franc-2")

    for answer in (collector.find("no-such-reference"), collector.cancel("no-such-reference")):
        assert answer == CollectionStatus("cancelled", xof(0), "", None, source="franc-2")


@pytest.mark.parametrize("script", ["lost-after-accept", "error-after-accept", "html"])
def test_open_whose_answer_was_lost_is_opened_once(
    francs: FrancProcess, collector: FrancCollector, script: str
) -> None:
    francs.control.script("open_collection", script)
    with pytest.raises(CollectorUnavailable):
        collector.open(request(), now=NOW)

    assert collector.open(request(), now=NOW).checkout_url == "https://francs.example/pay/1"


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_provider_that_is_not_there_is_unavailable(
    francs: FrancProcess, collector: FrancCollector, how: str
) -> None:
    if how == "closed":
        francs.control.set(is_closed=True)
    else:
        francs.kill()

    for call in (
        lambda: collector.open(request(), now=NOW),
        lambda: collector.find(REFERENCE),
        lambda: collector.cancel(REFERENCE),
    ):
        with pytest.raises(CollectorUnavailable) as refusal:
            call()
        assert refusal.value.facts["collector"] == "franc"
    if how == "killed":
        francs.start()
