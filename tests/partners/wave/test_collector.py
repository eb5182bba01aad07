"""The Wave collector against the simulated Wave. Amounts: whole francs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.types import xof
from partners.errors import PhoneNotOfPartner, PhoneUnreadable
from partners.references import collection_reference
from partners.wave.collector import WaveCollector
from partners.wave.config import WaveConfig
from sandbox.simulator.script import Outcome, Step
from tests.partners.wave.harness import WaveHarness
from transfers.errors import CollectorCredentialsRefused, CollectorUnavailable
from transfers.types import CollectionRequest, CollectionStatus, OpenedCollection

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
REFERENCE = collection_reference("wave", 7)
ASKED = CollectionRequest(7, xof(913), "Round 3", 86_400)


@pytest.fixture
def collector(wave: WaveHarness) -> WaveCollector:
    return wave.collector()


def opened(collector: WaveCollector, **changes: Any) -> OpenedCollection:
    return collector.open(replace(ASKED, **changes), now=NOW)


def sessions(wave: WaveHarness) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = wave.control.call("sessions")
    return found


def test_open_asks_for_the_amount_under_a_reference_known_before(
    wave: WaveHarness, collector: WaveCollector
) -> None:
    wave.control.set_clock(NOW)

    found = opened(collector)

    [row] = sessions(wave)
    assert found == OpenedCollection(
        reference=REFERENCE, payment_request="", checkout_url=f"{wave.url}/c/{row['session_id']}",
        expires_at=NOW + timedelta(minutes=30), source=WaveConfig.from_environment().checkout.source,
    )  # fmt: skip
    assert collector.reference_of(7) == REFERENCE
    assert (row["reference"], row["amount"], row["currency"]) == (REFERENCE, 913, "XOF")
    assert row["success_url"] == row["error_url"] == "http://localhost:8001/partners/wave/done"
    assert row["only_mobile"] == ""


def test_expiry_is_read_and_not_assumed(wave: WaveHarness, collector: WaveCollector) -> None:
    wave.control.set_clock(NOW)
    wave.control.set(session_seconds=86_400)

    assert opened(collector).expires_at == NOW + timedelta(days=1)


def test_open_again_returns_the_same_session(wave: WaveHarness, collector: WaveCollector) -> None:
    first = opened(collector)

    assert opened(collector) == first
    assert len(sessions(wave)) == 1


def test_open_after_expiry_opens_another_session(wave: WaveHarness, collector: WaveCollector) -> None:
    first = opened(collector)
    wave.control.set(ahead_seconds=31 * 60)

    again = opened(collector)
    assert again.reference == first.reference
    assert again.checkout_url != first.checkout_url


def test_open_of_a_paid_request_returns_the_paid_session(wave: WaveHarness, collector: WaveCollector) -> None:
    first = opened(collector)
    wave.pay_in(REFERENCE)

    assert opened(collector) == first
    assert len(sessions(wave)) == 1


def test_only_the_given_phone_may_pay(wave: WaveHarness, collector: WaveCollector) -> None:
    opened(collector, phone="+221 77 123 45 67")

    [row] = sessions(wave)
    assert row["only_mobile"] == WaveHarness.phone


@pytest.mark.parametrize(
    ("phone", "refusal"), [("771234567", PhoneUnreadable), ("+2250707070707", PhoneNotOfPartner)]
)
def test_phone_that_cannot_pay_is_refused_without_a_session(
    wave: WaveHarness, collector: WaveCollector, phone: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        opened(collector, phone=phone)
    assert sessions(wave) == []


@pytest.mark.parametrize("step", ["lost-after-accept", "timeout-after-accept", "html", "reset"])
def test_session_whose_opening_was_not_answered_is_found(
    wave: WaveHarness, collector: WaveCollector, step: str
) -> None:
    wave.script_open(step)

    found = opened(collector)
    [row] = sessions(wave)
    assert found.checkout_url.endswith(row["session_id"])


@pytest.mark.parametrize(
    "step", ["lost-before", "timeout-before", "error-before", "html-before", "too-many-requests", "hidden"]
)
def test_open_without_a_session_is_unavailable(
    wave: WaveHarness, collector: WaveCollector, step: str
) -> None:
    wave.script_open(step)

    with pytest.raises(CollectorUnavailable):
        opened(collector)


def test_session_of_another_amount_is_not_handed_out_again(
    wave: WaveHarness, collector: WaveCollector
) -> None:
    wave.script_open("wrong-amount")
    wrong = opened(collector)

    right = opened(collector)
    assert right.checkout_url != wrong.checkout_url
    assert [row["amount"] for row in sessions(wave)] == [1, 913]


# What arrived


def test_open_request_has_received_nothing(collector: WaveCollector) -> None:
    source = opened(collector).source

    assert collector.find(REFERENCE) == CollectionStatus("open", xof(0), "", None, source=source)


def test_paid_request_is_settled_by_its_transaction(wave: WaveHarness, collector: WaveCollector) -> None:
    wave.control.set_clock(NOW)
    opened(collector)
    wave.pay_in(REFERENCE, phone=WaveHarness.phone)

    found = collector.find(REFERENCE)

    [row] = sessions(wave)
    assert (found.state, found.received, found.settled_at) == ("settled", xof(913), NOW)
    [payment] = found.payments
    assert (payment.reference, payment.proof, payment.received, payment.received_at) == (
        row["transaction_id"], row["transaction_id"], xof(913), NOW,
    )  # fmt: skip
    assert wave.balance_xof() == 1_000_913


def test_two_sessions_that_are_paid_are_two_payments(wave: WaveHarness, collector: WaveCollector) -> None:
    opened(collector)
    wave.pay_in(REFERENCE)
    wave.pay_in(REFERENCE, 100)

    found = collector.find(REFERENCE)
    assert (found.state, found.received) == ("settled", xof(1_013))
    assert sorted(payment.received.amount for payment in found.payments) == [100, 913]
    assert len({payment.reference for payment in found.payments}) == 2


def test_session_beside_a_paid_one_can_still_be_paid(wave: WaveHarness, collector: WaveCollector) -> None:
    wave.script_open("duplicate")
    opened(collector)
    wave.pay_in(REFERENCE)

    found = collector.find(REFERENCE)
    assert (found.state, found.received) == ("open", xof(913))
    assert collector.cancel(REFERENCE).state == "settled"


def test_amount_that_arrived_counts_and_not_the_one_that_was_asked_for(
    wave: WaveHarness, collector: WaveCollector
) -> None:
    opened(collector)
    wave.pay_in(REFERENCE, 900)

    assert collector.find(REFERENCE).received == xof(900)


def test_payment_in_another_currency_is_never_counted(wave: WaveHarness, collector: WaveCollector) -> None:
    wave.script_open("wrong-currency")
    opened(collector)
    wave.pay_in(REFERENCE)

    with pytest.raises(CollectorUnavailable) as refusal:
        collector.find(REFERENCE)
    assert refusal.value.facts == {
        "collector": "wave", "detail": "AnswerLost: a payment in another currency",
    }  # fmt: skip


def test_request_whose_sessions_expired_is_closed(wave: WaveHarness, collector: WaveCollector) -> None:
    opened(collector)
    wave.control.set(ahead_seconds=31 * 60)

    assert collector.find(REFERENCE).state == "cancelled"


def test_payment_that_failed_leaves_the_request_open(wave: WaveHarness, collector: WaveCollector) -> None:
    opened(collector)
    wave.control.call("fail_session", reference=REFERENCE)

    found = collector.find(REFERENCE)
    assert (found.state, found.received) == ("open", xof(0))


def test_request_that_was_never_opened_is_closed_for_our_wallet(
    wave: WaveHarness, collector: WaveCollector
) -> None:
    found = collector.find(REFERENCE)

    source = WaveConfig.from_environment().checkout.source
    assert found == CollectionStatus("cancelled", xof(0), "", None, source=source)
    assert collector.cancel(REFERENCE) == found


@pytest.mark.parametrize(
    "step", ["lost-before", "timeout-before", "error-before", "html-before", "too-many-requests"]
)
def test_find_without_a_usable_answer_is_unavailable(
    wave: WaveHarness, collector: WaveCollector, step: str
) -> None:
    opened(collector)
    wave.control.script("search_sessions", step)

    with pytest.raises(CollectorUnavailable):
        collector.find(REFERENCE)


# Cancelling


def test_cancelled_request_cannot_be_paid(wave: WaveHarness, collector: WaveCollector) -> None:
    source = opened(collector).source

    assert collector.cancel(REFERENCE) == CollectionStatus("cancelled", xof(0), "", None, source=source)
    [row] = sessions(wave)
    assert row["status"] == "expired"
    assert collector.cancel(REFERENCE).state == "cancelled"


def test_request_that_is_paid_while_it_is_cancelled_is_settled(
    wave: WaveHarness, collector: WaveCollector
) -> None:
    opened(collector)
    held = wave.control.script("expire_session", Step(hold="before"))
    with ThreadPoolExecutor(1) as others:
        cancelling = others.submit(collector.cancel, REFERENCE)
        wave.wait_until_reached(held)
        wave.control.call("pay_session", reference=REFERENCE)
        wave.release(held)

    assert cancelling.result().state == "settled"


def test_conflict_at_the_end_of_a_session_is_decided_by_its_state(
    wave: WaveHarness, collector: WaveCollector
) -> None:
    opened(collector)
    wave.control.script("expire_session", Step(outcome=Outcome.NOTHING, reply="status", status=409))

    assert collector.cancel(REFERENCE).state == "open"


@pytest.mark.parametrize("step", ["lost-before", "error-before", "timeout-before"])
def test_cancel_without_an_answer_is_unavailable(
    wave: WaveHarness, collector: WaveCollector, step: str
) -> None:
    opened(collector)
    wave.control.script("expire_session", step)

    with pytest.raises(CollectorUnavailable):
        collector.cancel(REFERENCE)


# Keys


def test_refused_key_is_named(wave: WaveHarness, collector: WaveCollector) -> None:
    wave.control.set(revoked_keys=["wave_sn_prod_collects"])

    for call in (
        lambda: opened(collector),
        lambda: collector.find(REFERENCE),
        lambda: collector.cancel(REFERENCE),
    ):
        with pytest.raises(CollectorCredentialsRefused) as refusal:
            call()
        assert refusal.value.facts["detail"] == "WaveRefused: status 401 api-key-revoked"


def test_collector_needs_only_its_own_key(
    wave: WaveHarness, collector: WaveCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAVE_API_KEY")
    assert opened(collector).reference == REFERENCE

    monkeypatch.delenv("WAVE_CHECKOUT_API_KEY")
    with pytest.raises(CollectorUnavailable) as refusal:
        opened(collector)
    assert refusal.value.facts["detail"] == "NotConfigured: WAVE_CHECKOUT_API_KEY is not set"


def test_calls_are_signed_where_the_key_was_made_with_a_secret(
    wave: WaveHarness, collector: WaveCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave.control.set(checkout_signing_secret="wave_sn_AKS_secret")
    with pytest.raises(CollectorCredentialsRefused):
        opened(collector)

    monkeypatch.setenv("WAVE_CHECKOUT_SIGNING_SECRET", "wave_sn_AKS_secret")
    opened(collector)
    assert collector.cancel(REFERENCE).state == "cancelled"
