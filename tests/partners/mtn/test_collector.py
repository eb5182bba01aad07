"""The MTN collector against the simulated MTN."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger.types import xof
from partners.errors import PhoneNotOfPartner
from partners.mtn.collector import MtnCollector
from sandbox.simulator.script import Outcome, Reply, Step
from tests.partners.mtn.harness import MtnHarness
from transfers.errors import CollectorCredentialsRefused, CollectorNeedsPhone, CollectorUnavailable
from transfers.types import CollectionRequest

NOW = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)


def request(collection_id: int = 5, **changes: object) -> CollectionRequest:
    given = {
        "collection_id": collection_id, "amount": xof(913), "memo": "Cotisation d'Awa, cycle n° 3",
        "expires_in_seconds": 86_400, "phone": MtnHarness.phone, **changes,
    }  # fmt: skip
    return CollectionRequest(**given)  # type: ignore[arg-type]


@pytest.fixture
def collector(mtn: MtnHarness) -> MtnCollector:
    return mtn.collector()


@pytest.fixture
def opened(collector: MtnCollector) -> str:
    return collector.open(request(), now=NOW).reference


def test_open_asks_the_payer_who_has_five_minutes(mtn: MtnHarness, collector: MtnCollector) -> None:
    opened = collector.open(request(), now=NOW)

    assert opened.reference == collector.reference_of(5) != collector.reference_of(6)
    assert (opened.payment_request, opened.checkout_url) == ("", "")
    assert opened.expires_at == NOW + timedelta(minutes=5)
    assert opened.source.endswith(":mtnivorycoast")
    status = collector.find(opened.reference)
    assert (status.state, status.received, status.payments) == ("open", xof(0), ())
    assert mtn.control.call("asked", reference=opened.reference) == 913


def test_open_is_idempotent_per_collection(mtn: MtnHarness, collector: MtnCollector, opened: str) -> None:
    again = collector.open(request(), now=NOW + timedelta(minutes=1))

    assert again.reference == opened
    assert mtn.control.calls("requesttopay") == 2
    mtn.pay_in(opened)
    assert collector.find(opened).received == xof(913)


def test_open_needs_the_payers_phone(mtn: MtnHarness, collector: MtnCollector) -> None:
    assert (collector.wants_phone, collector.needs_phone) == (True, True)
    with pytest.raises(CollectorNeedsPhone):
        collector.open(request(phone=""), now=NOW)
    with pytest.raises(PhoneNotOfPartner):
        collector.open(request(phone=mtn.foreign_phone), now=NOW)
    assert mtn.control.calls("requesttopay") == 0


@pytest.mark.parametrize(
    ("script", "is_known"),
    [
        ("lost-after-accept", True),
        ("reset", True),
        ("lost-before", False),
        ("hidden", False),
    ],
)
def test_open_after_a_lost_answer_looks_whether_the_payer_was_asked(
    mtn: MtnHarness, collector: MtnCollector, script: str, is_known: bool
) -> None:
    mtn.script_open(script)

    if is_known:
        assert collector.open(request(), now=NOW).reference == collector.reference_of(5)
    else:
        with pytest.raises(CollectorUnavailable):
            collector.open(request(), now=NOW)
    collector.open(request(), now=NOW)
    mtn.control.set(ahead_seconds=31)
    mtn.pay_in(collector.reference_of(5))
    assert collector.find(collector.reference_of(5)).received == xof(913)


@pytest.mark.parametrize("script", ["error-after-accept", "error-before", "html", "too-many-requests"])
def test_open_with_an_unusable_answer_is_unavailable_and_may_be_repeated(
    mtn: MtnHarness, collector: MtnCollector, script: str
) -> None:
    mtn.script_open(script)

    with pytest.raises(CollectorUnavailable):
        collector.open(request(), now=NOW)
    assert collector.open(request(), now=NOW).reference == collector.reference_of(5)


def test_refused_access_is_reported_as_such(mtn: MtnHarness, collector: MtnCollector, opened: str) -> None:
    mtn.control.set(is_revoked=True, ahead_seconds=3_601)
    with pytest.raises(CollectorCredentialsRefused):
        collector.find(opened)


def test_paid_request_counts_once(mtn: MtnHarness, collector: MtnCollector, opened: str) -> None:
    mtn.pay_in(opened)
    mtn.pay_in(opened)

    status = collector.find(opened)

    assert (status.state, status.received, status.proof) == ("settled", xof(913), "363440463")
    (payment,) = status.payments_of(opened)
    assert payment.reference == opened  # MTN may state its own number only later
    assert mtn.balance_xof() == 1_000_913


@pytest.mark.parametrize("expired_reason", ["EXPIRED", "COULD_NOT_PERFORM_TRANSACTION"])
def test_request_that_nobody_approved_is_over(
    mtn: MtnHarness, collector: MtnCollector, expired_reason: str
) -> None:
    mtn.control.set_clock(NOW)
    mtn.control.set(expired_reason=expired_reason)
    reference = collector.open(request(), now=NOW).reference
    mtn.control.set(ahead_seconds=299)
    assert collector.find(reference).state == "open"

    mtn.control.set(ahead_seconds=300)

    assert (collector.find(reference).state, collector.find(reference).received) == ("cancelled", xof(0))


def test_rejected_request_is_over(mtn: MtnHarness, collector: MtnCollector, opened: str) -> None:
    mtn.control.call("complete", reference=opened, reason="APPROVAL_REJECTED")

    assert collector.find(opened).state == "cancelled"


def test_unknown_request_is_reported_as_cancelled_by_our_platform(collector: MtnCollector) -> None:
    status = collector.find(collector.reference_of(404))

    assert (status.state, status.received) == ("cancelled", xof(0))
    assert status.source.endswith(":mtnivorycoast")


def test_request_cannot_be_cancelled_while_its_payer_may_approve(
    mtn: MtnHarness, collector: MtnCollector, opened: str
) -> None:
    assert collector.cancel(opened).state == "open"
    mtn.pay_in(opened)
    assert collector.cancel(opened).state == "settled"


def test_another_amount_is_what_arrived(mtn: MtnHarness, collector: MtnCollector) -> None:
    mtn.script_open("wrong-amount")
    reference = collector.open(request(), now=NOW).reference
    mtn.pay_in(reference)

    assert collector.find(reference).received == xof(1)
    assert mtn.balance_xof() == 1_000_001


@pytest.mark.parametrize("step", [Step(currency="EUR")])
def test_another_currency_is_never_counted(mtn: MtnHarness, collector: MtnCollector, step: Step) -> None:
    mtn.script_open(step)
    reference = collector.open(request(), now=NOW).reference
    assert collector.find(reference).state == "open"
    mtn.pay_in(reference)

    with pytest.raises(CollectorUnavailable, match="another currency"):
        collector.find(reference)


@pytest.mark.parametrize(
    "step",
    ["error-before", "html", "too-many-requests", "lost-before",
     Step(outcome=Outcome.NOTHING, reply=Reply.STATUS, status=404)],
)  # fmt: skip
def test_unusable_answer_is_unavailable(
    mtn: MtnHarness, collector: MtnCollector, opened: str, step: Step | str
) -> None:
    mtn.control.script("requesttopay_status", step)

    with pytest.raises(CollectorUnavailable):
        collector.find(opened)


def test_nothing_personal_is_in_what_is_reported(
    mtn: MtnHarness, collector: MtnCollector, opened: str, caplog: pytest.LogCaptureFixture
) -> None:
    mtn.control.script("requesttopay_status", "html")
    with pytest.raises(CollectorUnavailable) as unavailable:
        collector.find(opened)
    mtn.pay_in(opened)

    shown = f"{collector.find(opened)!r}{unavailable.value.facts}{request()!r}{caplog.text}"
    assert "0707000001" not in shown
