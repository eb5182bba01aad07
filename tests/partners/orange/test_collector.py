"""The Orange collector against its simulator. 10,000 sats at 9,123,457 XOF per bitcoin are 913 francs, rounded up."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.types import xof
from partners.errors import AmountOutsidePartnerRange, PhoneNotOfPartner
from partners.orange.collector import OrangeCollector
from partners.references import collection_reference
from tests.partners.orange.harness import OrangeHarness
from transfers.collectors import Collector
from transfers.errors import CollectorCredentialsRefused, CollectorUnavailable
from transfers.types import CollectionRequest, CollectionStatus

REFERENCE = collection_reference("orange", 7)


@pytest.fixture
def collector(orange: OrangeHarness) -> OrangeCollector:
    return orange.collector()


def request(**changes: Any) -> CollectionRequest:
    facts = {"collection_id": 7, "amount": xof(913), "memo": "", "expires_in_seconds": 3_600, **changes}
    return CollectionRequest(**facts)


def opened(collector: Collector, **changes: Any) -> str:
    return collector.open(request(**changes), now=datetime.now(UTC)).reference


def code_of(checkout_url: str) -> str:
    return checkout_url.rpartition("/")[2]


UNPAID = CollectionStatus("open", xof(0), "", None, source="123456", is_unlisted=True)


def test_open_gives_a_link_that_either_app_opens(orange: OrangeHarness, collector: Collector) -> None:
    now = datetime.now(UTC)
    made = collector.open(request(), now=now)

    assert (made.reference, made.payment_request, made.source) == (REFERENCE, "", "123456")
    assert collector.reference_of(7) == REFERENCE
    assert made.checkout_url.startswith(f"{orange.process.url}/pay/")
    assert timedelta(seconds=3_590) < made.expires_at - now < timedelta(seconds=3_610)
    assert collector.account.code == "partner_float:XOF:orange"
    assert (collector.wants_phone, collector.needs_phone) == (True, False)
    assert collector.find(REFERENCE) == UNPAID


def test_open_lasts_a_day_at_most(collector: Collector) -> None:
    now = datetime.now(UTC)
    made = collector.open(request(expires_in_seconds=200_000), now=now)

    assert made.expires_at - now < timedelta(seconds=86_410)


def test_request_for_a_phone_is_paid_by_that_phone_alone(orange: OrangeHarness, collector: Collector) -> None:
    made = collector.open(request(phone=orange.phone), now=datetime.now(UTC))
    code = code_of(made.checkout_url)

    assert "for another phone" in _page(orange, code, phone="772345678")
    assert "Paid 913" in _page(orange, code, phone="771234567")
    assert collector.find(REFERENCE).received == xof(913)
    assert "was paid already" in _page(orange, code, phone="771234567")


def _page(orange: OrangeHarness, code: str, *, phone: str) -> str:
    address = f"{orange.process.url}/pay/{code}"
    try:
        with urllib.request.urlopen(address, data=f"phone={phone}".encode()) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as refused:
        return refused.read().decode()


def test_request_that_was_paid_is_settled_with_the_transaction_as_its_proof(
    orange: OrangeHarness, collector: Collector
) -> None:
    opened(collector)
    orange.pay_in(REFERENCE)

    status = collector.find(REFERENCE)

    [payment] = status.payments
    assert (status.state, status.received, status.is_unlisted) == ("settled", xof(913), False)
    assert (payment.reference, payment.received) == (payment.proof, xof(913))
    assert len(payment.proof) == 20
    assert payment.received_at is not None
    assert status.settled_at == payment.received_at
    assert orange.balance_xof() == 1_000_913


def test_two_codes_of_one_request_that_are_both_paid_are_two_payments(
    orange: OrangeHarness, collector: Collector
) -> None:
    """Opening is not idempotent at Orange: a code whose answer was lost stays payable."""
    first = collector.open(request(), now=datetime.now(UTC))
    second = collector.open(request(), now=datetime.now(UTC))
    assert (first.reference, first.checkout_url == second.checkout_url) == (second.reference, False)

    for made in (first, second):
        assert "Paid 913" in _page(orange, code_of(made.checkout_url), phone="771234567")

    status = collector.find(REFERENCE)
    assert status.received == xof(1_826)
    assert len({payment.reference for payment in status.payments}) == 2


def test_payment_of_another_amount_is_reported_as_it_is(orange: OrangeHarness, collector: Collector) -> None:
    opened(collector)
    orange.pay_in(REFERENCE, 900)
    assert collector.find(REFERENCE).received == xof(900)


def test_payment_in_another_currency_is_never_counted(orange: OrangeHarness, collector: Collector) -> None:
    opened(collector)
    orange.control.call("pay_in", reference=REFERENCE, phone="771234567", currency="EUR")

    with pytest.raises(CollectorUnavailable, match="is not in whole francs"):
        collector.find(REFERENCE)


def test_payment_to_another_merchant_is_never_counted(
    orange: OrangeHarness, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(collector)
    orange.pay_in(REFERENCE)
    monkeypatch.setenv("ORANGE_MERCHANT_CODE", "654321")

    with pytest.raises(CollectorUnavailable, match="not to our merchant code"):
        collector.find(REFERENCE)


def test_cash_in_with_the_same_reference_is_never_counted(
    orange: OrangeHarness, collector: Collector
) -> None:
    opened(collector)
    orange.pay_in(REFERENCE)
    orange.control.call("book_again", reference=REFERENCE, kind="CASHIN")

    with pytest.raises(CollectorUnavailable):
        collector.find(REFERENCE)


def test_cancel_cannot_cancel(orange: OrangeHarness, collector: Collector) -> None:
    opened(collector)

    assert collector.cancel(REFERENCE) == UNPAID
    orange.pay_in(REFERENCE)
    assert collector.cancel(REFERENCE).state == "settled"


def test_unknown_request_is_like_one_that_is_not_paid(collector: Collector) -> None:
    assert collector.find(collection_reference("orange", 8)) == UNPAID


def test_code_that_has_ended_cannot_be_paid(orange: OrangeHarness, collector: Collector) -> None:
    made = collector.open(request(expires_in_seconds=60), now=datetime.now(UTC))
    orange.control.set(ahead_seconds=61)

    assert "This code has ended" in _page(orange, code_of(made.checkout_url), phone="771234567")
    assert collector.find(REFERENCE) == UNPAID


@pytest.mark.parametrize("amount", [1, 9])
def test_amount_that_cannot_be_paid_in_practice_is_refused(
    orange: OrangeHarness, collector: Collector, amount: int
) -> None:
    with pytest.raises(AmountOutsidePartnerRange) as refusal:
        opened(collector, amount=xof(amount))

    assert refusal.value.facts == {
        "partner": "orange",
        "amount_xof": amount,
        "least_xof": 10,
        "most_xof": None,
    }
    assert orange.control.calls("qr_code") == 0


def test_smallest_amount_can_be_requested(collector: Collector) -> None:
    assert opened(collector, amount=xof(10)) == REFERENCE


def test_phone_of_another_country_is_refused(orange: OrangeHarness, collector: Collector) -> None:
    with pytest.raises(PhoneNotOfPartner):
        opened(collector, phone=orange.foreign_phone)


@pytest.mark.parametrize(
    "script", ["lost-after-accept", "timeout-before", "html", "error-before", "too-many-requests"]
)
def test_open_without_a_usable_answer_is_unavailable_and_can_be_repeated(
    orange: OrangeHarness, collector: Collector, script: str
) -> None:
    orange.script_open(script)
    with pytest.raises(CollectorUnavailable):
        opened(collector)

    assert opened(collector) == REFERENCE


def test_find_while_orange_is_closed_is_unavailable(orange: OrangeHarness, collector: Collector) -> None:
    orange.control.set(is_closed=True)
    with pytest.raises(CollectorUnavailable):
        collector.find(REFERENCE)


def test_api_that_is_not_approved_does_not_switch_the_partner_off(
    orange: OrangeHarness, collector: Collector
) -> None:
    orange.control.set(not_approved=["qr_code"])
    with pytest.raises(CollectorUnavailable) as refusal:
        opened(collector)
    assert not isinstance(refusal.value, CollectorCredentialsRefused)


def test_contract_with_a_key_of_its_own_and_an_address_for_callbacks(
    orange: OrangeHarness, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    orange.control.set(x_api_key="contract-key")
    with pytest.raises(CollectorUnavailable):
        opened(collector)

    monkeypatch.setenv("ORANGE_X_API_KEY", "contract-key")
    assert opened(collector) == REFERENCE


def test_missing_merchant_code_is_named(
    orange: OrangeHarness, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORANGE_MERCHANT_CODE", "12345")
    with pytest.raises(CollectorUnavailable, match="ORANGE_MERCHANT_CODE"):
        opened(collector)
    assert orange.control.calls("qr_code") == 0
