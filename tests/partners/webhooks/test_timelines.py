"""What partners delivered about a payment or a request stands in the timeline of what it was for."""

from dataclasses import replace

import pytest
from django.utils import translation
from django.utils.html import strip_tags

from ledger.enums import AccountRole, Currency
from ledger.services import post
from ledger.types import AccountRef, Line
from partners.models import InboundWebhook
from partners.services.webhooks import follow_webhooks
from sunusav.backoffice.next_steps import next_step_of
from sunusav.backoffice.sections import Line as Said
from sunusav.backoffice.timeline import timeline_of
from sunusav.core import clock
from tests.backoffice.stories import as_text
from tests.fakes.franc_rail import phone
from tests.partners.webhooks.delivering import (
    FLOAT_OF_ORANGE,
    awaited,
    by_orange,
    by_wave,
    orange_body,
    wave_body,
)
from tests.transfers.builders import ordered, run
from tests.transfers.rails import Watch
from transfers.models import PaymentOrder

pytestmark = pytest.mark.django_db


def deliveries(subject: str, *, who: str) -> list[Said]:
    return [line for line in timeline_of([subject]).lines if line.who == who]


def test_delivery_about_a_request_is_a_line_of_what_it_is_for() -> None:
    facts = awaited("wave", "contribution:1")
    other = awaited("orange", "contribution:2")
    by_wave(wave_body(facts.reference)).deliver()
    by_wave(wave_body(other.reference, event="AE_2")).deliver()
    row = InboundWebhook.objects.get(reference=facts.reference)

    (line,) = deliveries("contribution:1", who="wave")

    assert line.at == row.received_at
    assert as_text(line)[9:] == (
        f"wave: The partner reports a change: not followed yet | Proof: signature | → webhook {row.pk}"
    )
    assert line.tone == ""
    # A partner's delivery about another partner's request is no part of that request's story.
    assert deliveries("contribution:2", who="wave") == []


def test_followed_delivery_says_what_it_led_to() -> None:
    facts = awaited("orange", "contribution:2")
    by_orange(orange_body(facts.reference)).deliver()
    follow_webhooks(now=clock.now())
    InboundWebhook.objects.update(follow_at=None, handled_at=clock.now(), outcome="collection_queried")

    with translation.override("fr"):
        (line,) = deliveries("contribution:2", who="Orange Money")
        assert str(line.what) == "Le partenaire signale un changement : demande de paiement vérifiée"
    assert [str(label) for label, _value in line.facts] == ["Proof", "Handled"]


def test_delivery_about_a_payment_is_a_line_of_its_payment() -> None:
    watch = Watch(clock.now())
    top_up = [Line(FLOAT_OF_ORANGE, 1_000_000), Line(AccountRef(AccountRole.BANK, Currency.XOF), -1_000_000)]
    post(kind="top_up_for_test", reference="float", lines=top_up, at=watch(), subject="test")
    payment_id = ordered(destination=replace(phone("+221771234567"), rail="orange"), at=watch())
    run(watch)
    reference = PaymentOrder.objects.get(disbursement_id=payment_id).reference
    by_orange(orange_body(reference, type="CASHIN")).deliver()

    found = [str(line.what) for line in timeline_of([f"disbursement:{payment_id}"]).lines]

    assert "The partner reports a change: not followed yet" in found


def test_delivery_leads_to_what_it_names_and_says_until_when_it_is_followed() -> None:
    facts = awaited("wave", "contribution:1")
    by_wave(wave_body(facts.reference)).deliver()
    row = InboundWebhook.objects.get()

    waits = next_step_of(row, now=clock.now())
    row.handled_at, row.follow_at = clock.now(), None
    done = next_step_of(row, now=clock.now())

    assert waits is not None
    assert (str(waits.state), waits.until) == ("not followed yet", row.received_at)
    assert strip_tags(waits.link) == f"collection {facts.id}"
    assert done is not None
    assert (str(done.state), done.link) == ("followed", waits.link)
