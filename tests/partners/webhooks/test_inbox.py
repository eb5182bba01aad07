"""Authentic deliveries: stored once, followed by a query of the partner, whose answer alone decides."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef, Line
from partners.models import InboundWebhook
from partners.references import new_order_reference
from partners.services.webhooks import clean_up_webhooks, follow_webhooks, record_webhook
from partners.webhooks.types import Delivery
from sunusav.core import clock
from sunusav.core.wake_ups import retry_broker_now
from tests.fakes.franc_rail import phone
from tests.partners.webhooks.delivering import (
    FLOAT_OF_ORANGE,
    MTN_TOKEN,
    NEXT_WAVE_SECRET,
    OLD_MTN_TOKEN,
    ORANGE_KEY,
    ORANGE_SECRET,
    WAVE_BEARER,
    OrangeRail,
    Sent,
    ask_at,
    awaited,
    by_mtn,
    by_orange,
    by_wave,
    mtn_body,
    nothing_stored,
    orange_body,
    wave_body,
)
from tests.support.broker import published
from tests.transfers.builders import ordered, row_of, run
from tests.transfers.collecting import stored
from tests.transfers.rails import Watch
from transfers.collectors import collector
from transfers.models import Disbursement, PaymentOrder
from transfers.rails import rail
from transfers.services.collections import sweep_collections
from transfers.types import Unknown

pytestmark = pytest.mark.django_db
AUTHENTIC: dict[str, Callable[[str | None], Sent]] = {
    "wave": lambda reference: by_wave(wave_body(reference)),
    "orange": lambda reference: by_orange(orange_body(reference)),
    "mtn": lambda reference: by_mtn(mtn_body(reference)),
}
STATUS = {"wave": 200, "orange": 202, "mtn": 200}


def only_row() -> InboundWebhook:
    return InboundWebhook.objects.get()


def follow(*, after_seconds: float = 0) -> int:
    return follow_webhooks(now=clock.now() + timedelta(seconds=after_seconds))


@pytest.mark.parametrize("partner", AUTHENTIC)
def test_authentic_delivery_is_stored_and_has_its_payment_queried(partner: str) -> None:
    facts = awaited(partner)

    response = AUTHENTIC[partner](facts.reference).deliver()

    assert (response.status_code, response.content) == (STATUS[partner], b"")
    assert ask_at(facts) > clock.now(), "the web process queries nothing"
    assert only_row().reference == facts.reference
    collector(partner).received[facts.reference] = facts.amount.amount  # type: ignore[attr-defined]
    assert follow() == 1
    assert ask_at(facts) <= clock.now()
    assert sweep_collections(now=clock.now()) == 1
    assert stored(facts).state == "settled"


@pytest.mark.parametrize("partner", AUTHENTIC)
def test_delivery_wakes_the_worker_that_follows_it(
    partner: str, django_capture_on_commit_callbacks: Any
) -> None:
    facts = awaited(partner)
    retry_broker_now()
    with published() as messages:
        with django_capture_on_commit_callbacks(execute=True):
            AUTHENTIC[partner](facts.reference).deliver()
        assert messages == [("partners.follow_webhooks", [])]
        messages.clear()
        with django_capture_on_commit_callbacks(execute=True):
            follow()
        assert messages == [("transfers.sweep_collections", [])]


@pytest.mark.parametrize("partner", AUTHENTIC)
def test_repeated_delivery_is_answered_alike_and_does_nothing(partner: str) -> None:
    facts = awaited(partner)
    sent = AUTHENTIC[partner](facts.reference)
    first = sent.deliver()

    with nothing_stored():
        again = sent.deliver()

    assert (again.status_code, again.content) == (first.status_code, first.content)


def test_replayed_delivery_with_another_unsigned_header_does_nothing() -> None:
    facts = awaited("orange")
    sent = by_orange(orange_body(facts.reference))
    sent.deliver()

    with nothing_stored():
        for number in range(5):
            headers = {**sent.headers, "X-Sonatel-Idempotency-Key": f"another-{number}"}
            assert replace(sent, headers=headers).deliver().status_code == 202


def test_event_that_comes_again_with_another_content_does_nothing() -> None:
    facts = awaited("wave")
    by_wave(wave_body(facts.reference)).deliver()

    with nothing_stored():
        assert (
            by_wave(wave_body(new_order_reference(), payment_status="cancelled")).deliver().status_code == 200
        )


def test_same_event_name_of_two_partners_is_two_events() -> None:
    awaited("wave")
    by_wave(wave_body(None)).deliver()
    by_orange(orange_body(None)).deliver()
    assert InboundWebhook.objects.count() == 2


@pytest.mark.parametrize(
    "body",
    [
        wave_body("REF", payment_status="cancelled", checkout_status="expired"),
        wave_body("REF", amount="1"),
        wave_body("REF", amount="999999999", currency="USD"),
        wave_body("REF", payment_status=None, amount={"deep": [1]}),
    ],
)
def test_delivery_that_contradicts_the_partner_changes_nothing_but_the_moment_of_a_query(body: bytes) -> None:
    facts = awaited("wave")
    by_wave(body.replace(b"REF", facts.reference.encode())).deliver()
    follow()
    sweep_collections(now=clock.now())

    row = stored(facts)
    assert (row.state, row.received) == ("open", 0), "the partner answers that nothing was paid"


def test_paid_delivery_of_a_request_that_the_partner_reports_as_open_credits_nothing() -> None:
    facts = awaited("orange")
    by_orange(orange_body(facts.reference)).deliver()
    follow()
    assert sweep_collections(now=clock.now()) == 1
    assert (stored(facts).state, stored(facts).received) == ("open", 0)


NOT_UNDERSTOOD = {
    "no json": b"status=SUCCESS",
    "nothing": b"",
    "an html page": b"<html></html>",
    "an array": b"[1]",
    "null": b"null",
    "nan": b'{"data": NaN}',
    "a number too long": b'{"data": ' + b"9" * 5_000 + b"}",
    "latin-1": '{"data": {"name": "Médina"}}'.encode("latin-1"),
    "utf-16": '{"data": {}}'.encode("utf-16"),
    "a deep body": b'{"data":' * 7_000,
    "data of another type": b'{"id": "AE_1x", "type": "checkout.session.completed", "data": [1]}',
    "names of other types": b'{"id": 7, "type": ["x"], "data": {"client_reference": {"a": 1}}}',
    "a phone for a reference": wave_body("+221771234567", transaction_id="221771234567"),
    "a name for a reference": wave_body("Awa Ndiaye"),
    "a reference in capitals": wave_body("9F1C2B34-5D6E-4F70-8A91-B2C3D4E5F607"),
    "a uuid of another version": wave_body("6fa459ea-ee8a-3ca4-894e-db77e160355e"),
    "an event of another kind": b'{"id": "EV_1", "type": "test.test_event", "data": {}}',
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_authentic_body_that_names_no_payment_is_taken_and_leads_to_nothing(name: str) -> None:
    facts = awaited("wave")
    before = ask_at(facts)

    assert by_wave(NOT_UNDERSTOOD[name]).deliver().status_code == 200
    follow()

    row = only_row()
    assert (row.reference, row.outcome, ask_at(facts)) == ("", "no_reference", before)
    written = json.dumps([str(value) for value in InboundWebhook.objects.values()[0].values()])
    assert "771234567" not in written
    assert "Awa" not in written


def test_reference_of_another_partner_is_none_of_this_partner() -> None:
    facts = awaited("orange")
    before = ask_at(facts)
    by_wave(wave_body(facts.reference)).deliver()

    follow(after_seconds=61)

    assert (only_row().outcome, ask_at(facts)) == ("unknown_reference", before)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_content_type_of_an_authentic_delivery_does_not_matter(content_type: str) -> None:
    facts = awaited("wave")
    sent = replace(by_wave(wave_body(facts.reference)), content_type=content_type)
    assert sent.deliver().status_code == 200
    assert only_row().reference == facts.reference


def test_accept_header_does_not_matter() -> None:
    sent = by_wave(wave_body(None))
    assert replace(sent, headers={**sent.headers, "Accept": "image/png"}).deliver().status_code == 200


@pytest.mark.parametrize(
    ("sent", "authenticity"),
    [
        (lambda: by_wave(b"{}", secret=NEXT_WAVE_SECRET), "signature"),
        (lambda: Sent("wave/webhooks", b"{}", {"Authorization": f"Bearer {WAVE_BEARER}"}), "shared_secret"),
        (lambda: by_orange(b"{}"), "signature"),
    ],
)
def test_how_a_delivery_was_proved_is_stored(sent: Callable[[], Sent], authenticity: str) -> None:
    sent().deliver()
    assert only_row().authenticity == authenticity


@pytest.mark.parametrize(
    ("unset", "headers", "authenticity"),
    [
        ("ORANGE_CALLBACK_SECRETS", {"Authorization": f"Basic {ORANGE_KEY}"}, "shared_secret"),
        ("ORANGE_CALLBACK_API_KEYS", {}, "signature"),
    ],
)
def test_orange_is_proved_by_what_is_configured(
    unset: str, headers: dict[str, str], authenticity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(unset)
    sent = by_orange(b"{}", secret=ORANGE_SECRET)
    headers = headers or {"X-Sonatel-Signature": sent.headers["X-Sonatel-Signature"]}
    assert replace(sent, headers=headers).deliver().status_code == 202
    assert only_row().authenticity == authenticity


# Unsigned deliveries


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("token", [MTN_TOKEN, OLD_MTN_TOKEN])
def test_unsigned_delivery_about_an_open_payment_is_a_hint(method: str, token: str) -> None:
    facts = awaited("mtn")
    assert by_mtn(mtn_body(facts.reference), token=token, method=method).deliver().status_code == 200
    assert only_row().authenticity == "secret_path"


@pytest.mark.parametrize("reference", [None, "9f1c2b34-5d6e-4f70-8a91-b2c3d4e5f607", "+2250700000000"])
def test_unsigned_delivery_that_names_no_open_payment_is_not_stored(reference: str | None) -> None:
    with nothing_stored():
        assert by_mtn(mtn_body(reference)).deliver().status_code == 200


def test_unsigned_delivery_about_an_ended_payment_is_not_stored() -> None:
    facts = awaited("mtn")
    collector("mtn").received[facts.reference] = facts.amount.amount  # type: ignore[attr-defined]
    sweep_collections(now=clock.now() + timedelta(days=2))
    assert stored(facts).state == "settled"
    with nothing_stored():
        assert by_mtn(mtn_body(facts.reference)).deliver().status_code == 200


def test_flood_of_unsigned_deliveries_has_a_payment_queried_once_in_ten_seconds() -> None:
    facts = awaited("mtn")
    at = clock.now().replace(second=20, microsecond=0)
    for seconds in (0, 0.1, 5, 9.9, 10, 19.9):
        delivery = Delivery({}, mtn_body(facts.reference, amount=str(seconds)), MTN_TOKEN)
        assert record_webhook("mtn", delivery, now=at + timedelta(seconds=seconds)) == 200
    assert InboundWebhook.objects.count() == 2


# Payments out


def test_delivery_about_a_payout_has_its_rail_queried() -> None:
    watch = Watch(clock.now())
    node = rail("orange")
    assert isinstance(node, OrangeRail)
    top_up = [Line(FLOAT_OF_ORANGE, 1_000_000), Line(AccountRef(AccountRole.BANK, Currency.XOF), -1_000_000)]
    post(kind="top_up_for_test", reference="float", lines=top_up, at=watch(), subject="test")
    node.script.append(Unknown(seen=True, reason="pending"))
    disbursement_id = ordered(destination=replace(phone("+221771234567"), rail="orange"), at=watch())
    run(watch)
    reference = PaymentOrder.objects.get().reference
    watch.advance(600)
    Disbursement.objects.filter(pk=disbursement_id).update(due_at=watch.after(600))
    node.paid[reference] = row_of(disbursement_id).pay_xof or 0
    assert by_orange(orange_body(reference, type="CASHIN")).deliver().status_code == 202

    follow_webhooks(now=watch())
    assert run(watch) == 1

    assert row_of(disbursement_id).state == "completed"
    follow_webhooks(now=watch.after(30))
    assert only_row().outcome == "payment_queried"


# Following


def test_delivery_of_an_open_payment_is_followed_for_a_minute() -> None:
    """The partner may report a payment before its own query shows it."""
    facts = awaited("wave")
    by_wave(wave_body(facts.reference)).deliver()

    assert [follow(after_seconds=seconds) for seconds in (0, 10, 21, 30, 62, 83)] == [1, 0, 1, 0, 1, 0]
    row = only_row()
    assert (row.outcome, row.follow_at) == ("collection_queried", None)


def test_delivery_that_comes_before_the_request_is_recorded_is_followed_again() -> None:
    reference = new_order_reference()
    by_wave(wave_body(reference)).deliver()
    follow()
    facts = awaited("wave")
    type(stored(facts)).objects.filter(pk=facts.id).update(reference=reference)

    follow(after_seconds=21)

    assert ask_at(facts) <= clock.now() + timedelta(seconds=21)


def test_late_delivery_about_a_settled_request_has_it_queried_once() -> None:
    """It may have been paid twice."""
    facts = awaited("wave")
    collector("wave").received[facts.reference] = facts.amount.amount  # type: ignore[attr-defined]
    sweep_collections(now=clock.now() + timedelta(days=2))
    by_wave(wave_body(facts.reference)).deliver()

    follow()

    assert only_row().outcome == "collection_queried"
    assert ask_at(facts) is not None


def test_delivery_that_another_worker_follows_is_left_to_it() -> None:
    by_wave(wave_body(new_order_reference())).deliver()
    follow()
    assert follow(after_seconds=1) == 0


def test_old_deliveries_are_removed() -> None:
    by_wave(wave_body(None)).deliver()
    by_orange(orange_body(None)).deliver()
    InboundWebhook.objects.filter(partner="wave").update(received_at=clock.now() - timedelta(days=31))

    assert clean_up_webhooks(now=clock.now()) == 1
    assert only_row().partner == "orange"
