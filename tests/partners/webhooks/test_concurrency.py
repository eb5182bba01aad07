"""Deliveries of one event at the same moment are stored once, and each is answered."""

import pytest

from partners.models import InboundWebhook
from partners.services.webhooks import record_webhook
from partners.webhooks.types import Delivery
from sunusav.core import clock
from tests.partners.webhooks.delivering import by_wave, wave_body
from tests.support.at_once import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.mariadb]


def test_event_that_is_delivered_eight_times_at_once_is_stored_once() -> None:
    sent = by_wave(wave_body(None))
    delivery = Delivery({name.lower(): text for name, text in sent.headers.items()}, sent.body)

    answers = at_once([lambda: record_webhook("wave", delivery, now=clock.now())] * 8)

    assert answers == [200] * 8
    assert InboundWebhook.objects.count() == 1
