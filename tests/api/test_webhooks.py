"""The outbox is delivered to the platform, signed, at least once; a refused message is sent again."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connections

from sunusav.api.webhooks import LEASE, deliver_outbox, signature
from sunusav.core.models import OutboxMessage
from sunusav.core.outbox import announce

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()


class Platform(ThreadingHTTPServer):
    """A platform that records what it received and answers with scripted statuses."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Platform

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def platform(settings: Any) -> Iterator[Platform]:
    server = Platform()
    thread = Thread(target=server.serve_forever)
    thread.start()
    settings.PLATFORM_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/hooks"
    settings.PLATFORM_WEBHOOK_SECRET = SECRET
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _announce(subject: str = "cycle:c-1") -> OutboxMessage:
    announce(topic="payout.completed", subject=subject, payload={"net_sats": 99_500}, at=NOW)
    return OutboxMessage.objects.latest("pk")


@pytest.mark.django_db
def test_deliver_sends_a_signed_message(platform: Platform) -> None:
    message = _announce()
    assert deliver_outbox(now=NOW) == 1
    [(headers, body)] = platform.received
    assert json.loads(body) == {
        "type": "payout.completed",
        "timestamp": "2026-01-31T09:30:00Z",
        "data": {"subject": "cycle:c-1", "net_sats": 99_500},
    }
    assert headers["webhook-id"] == f"msg_{message.pk}"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"msg_{message.pk}.{int(NOW.timestamp())}.".encode() + body
    expected = base64.b64encode(hmac.new(b"s" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    message.refresh_from_db()
    assert (message.delivered_at, message.tries, message.last_error) == (NOW, 1, "")


def test_signature_is_that_of_the_specification() -> None:
    """Source: the example of the Standard Webhooks reference libraries."""
    found = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.django_db
def test_delivered_message_is_not_sent_again(platform: Platform) -> None:
    _announce()
    deliver_outbox(now=NOW)
    assert deliver_outbox(now=NOW + timedelta(days=1)) == 0
    assert len(platform.received) == 1


@pytest.mark.django_db
def test_refused_message_is_retried_more_slowly_with_the_same_bytes(platform: Platform) -> None:
    message = _announce()
    platform.answers = [500, 301, 404, 204]
    moment, pauses = NOW, []
    while message.delivered_at is None:
        deliver_outbox(now=moment)
        message.refresh_from_db()
        pauses.append((message.next_try_at - moment).total_seconds())
        moment = message.next_try_at
    assert pauses[:3] == [5, 20, 80]
    assert message.tries == 4
    assert len({body for _, body in platform.received}) == 1
    assert len({headers["webhook-id"] for headers, _ in platform.received}) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed_and_does_not_deliver(platform: Platform, status: int) -> None:
    message = _announce()
    platform.answers = [status]

    assert deliver_outbox(now=NOW) == 0

    message.refresh_from_db()
    assert (message.delivered_at, message.last_error) == (None, f"status {status}")
    assert len(platform.received) == 1


@pytest.mark.django_db
def test_pause_between_tries_is_an_hour_at_most(platform: Platform) -> None:
    message = _announce()
    OutboxMessage.objects.update(tries=200)
    platform.answers = [500]
    deliver_outbox(now=NOW)
    message.refresh_from_db()
    assert message.next_try_at == NOW + timedelta(hours=1)
    assert message.last_error == "status 500"


@pytest.mark.django_db
def test_unreachable_platform_leaves_the_message_waiting(settings: Any) -> None:
    settings.PLATFORM_WEBHOOK_URL = "http://127.0.0.1:1/hooks"
    message = _announce()
    assert deliver_outbox(now=NOW) == 0
    message.refresh_from_db()
    assert (message.delivered_at, message.last_error) == (None, "ConnectionError")


@pytest.mark.django_db
def test_message_of_a_killed_sender_is_sent_after_the_lease(platform: Platform) -> None:
    _announce()
    OutboxMessage.objects.update(tries=1, next_try_at=NOW + LEASE)
    assert deliver_outbox(now=NOW) == 0
    assert deliver_outbox(now=NOW + LEASE) == 1


@pytest.mark.django_db
def test_nothing_is_queued_without_an_address(settings: Any) -> None:
    settings.PLATFORM_WEBHOOK_URL = ""
    announce(topic="t", subject="s", payload={}, at=NOW)
    assert not OutboxMessage.objects.exists()


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_send_each_message_once(platform: Platform) -> None:
    for number in range(40):
        _announce(f"cycle:c-{number}")
    start, counts = Barrier(4), []

    def deliver() -> None:
        start.wait()
        counts.append(deliver_outbox(now=NOW))
        connections.close_all()

    threads = [Thread(target=deliver) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 40
    assert len({headers["webhook-id"] for headers, _ in platform.received}) == len(platform.received) == 40
