"""Idempotency keys: the same client, method, path, key and body get the same answer, and the work runs once.

An answer is stored once the endpoint began to execute, refusals and failures included; what was refused at
the door (shape, rights, rate, a dependency away) is not, so that it may be tried again. A request that died
leaves a lease that the same key and body may take over; the business keys below still refuse a second effect.

Source: DOMAIN.md section 3; draft-ietf-httpapi-idempotency-key-header-07.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from sunusav.api.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from sunusav.api.models import IdempotencyKey, KeyState
from sunusav.core.privacy import open_sealed, seal_bytes
from sunusav.core.sealing import canonical

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
METHODS = {"POST", "PUT", "DELETE"}
KEY_LENGTH = 255
# Longer than any request may run: payouts/process waits 5 s, the server gives up after 30.
LEASE = timedelta(seconds=60)
KEPT = timedelta(days=30)
# Refused before anything ran, or by something that is away: the same key may ask again.
NOT_STORED = {400, 401, 403, 405, 406, 411, 413, 415, 429, 503}
STORED_HEADERS = ("Content-Type", "Location")


@dataclass(frozen=True)
class Call:
    """One request with a key, as far as the key cares."""

    client_id: int
    method: str
    path: str
    key: str
    fingerprint: str

    @property
    def scope_hash(self) -> str:
        """Return what makes the key this client's own on this path."""
        return hashlib.sha256(
            canonical({"scope": [self.client_id, self.method, self.path, self.key]})
        ).hexdigest()


def call_of(request: Request) -> Call | None:
    """Return the request's key with all it covers, or None when it brought none.

    Raises: ValidationError, ParseError.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method not in METHODS or not request.user.is_authenticated:
        return None
    if not 1 <= len(key) <= KEY_LENGTH or not (key.isascii() and key.isprintable()):
        message = f"1 to {KEY_LENGTH} printable ASCII characters are accepted."
        raise ValidationError({HEADER: [ErrorDetail(message, code="idempotency_key")]})
    covered = {"body": request.data, "query": sorted(request.query_params.lists())}
    return Call(request.user.pk, str(request.method), request.path, key, _keyed_hash(covered))


def answer_once(call: Call, execute: Callable[[], Response], *, now: datetime) -> HttpResponse:
    """Return the stored answer of this call, or execute it and store what it answered.

    Raises: IdempotencyKeyInUse, IdempotencyKeyReused.
    """
    row = _claim(call, now=now)
    if row.state == KeyState.ANSWERED:
        return _replay(row)
    response = execute()
    _keep(row, response)
    return response


def clean_up_keys(*, now: datetime, limit: int = 10_000) -> int:
    """Forget keys older than the promised 30 days; return how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=now - KEPT).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return IdempotencyKey.objects.filter(pk__in=ids).delete()[0]


def _claim(call: Call, *, now: datetime) -> IdempotencyKey:
    """Insert the key; one statement decides who was first."""
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                scope_hash=call.scope_hash, client_id=call.client_id, fingerprint=call.fingerprint,
                lease=uuid4().hex, leased_at=now, created_at=now,
            )  # fmt: skip
    except IntegrityError:
        return _judge(call, now=now)


def _judge(call: Call, *, now: datetime) -> IdempotencyKey:
    row = IdempotencyKey.objects.filter(scope_hash=call.scope_hash).first()
    if row is None:  # cleaned up this very moment
        raise IdempotencyKeyInUse(idempotency_key=call.key)
    if row.state == KeyState.RELEASED:
        return _take_over(row, call, now=now)
    if row.fingerprint != call.fingerprint:
        raise IdempotencyKeyReused(idempotency_key=call.key)
    if row.state == KeyState.RUNNING and row.leased_at <= now - LEASE:
        return _take_over(row, call, now=now)
    if row.state == KeyState.RUNNING:
        raise IdempotencyKeyInUse(idempotency_key=call.key)
    return row


def _take_over(row: IdempotencyKey, call: Call, *, now: datetime) -> IdempotencyKey:
    lease = uuid4().hex
    same = IdempotencyKey.objects.filter(pk=row.pk, state=row.state, lease=row.lease)
    taken = same.update(state=KeyState.RUNNING, lease=lease, leased_at=now, fingerprint=call.fingerprint)
    if not taken:
        raise IdempotencyKeyInUse(idempotency_key=call.key)
    row.state, row.lease = KeyState.RUNNING, lease
    return row


def _keep(row: IdempotencyKey, response: HttpResponse) -> None:
    """Store the answer, unless another request took the lease over meanwhile."""
    mine = IdempotencyKey.objects.filter(pk=row.pk, state=KeyState.RUNNING, lease=row.lease)
    if response.status_code in NOT_STORED:
        mine.update(state=KeyState.RELEASED)
        return
    mine.update(
        state=KeyState.ANSWERED,
        status=response.status_code,
        headers={name: response.headers[name] for name in STORED_HEADERS if name in response.headers},
        sealed_content=seal_bytes(response.content, bound_to=row.scope_hash),
    )


def _replay(row: IdempotencyKey) -> HttpResponse:
    content = open_sealed(bytes(row.sealed_content or b""), bound_to=row.scope_hash)
    return HttpResponse(content, status=row.status, headers={**row.headers, REPLAYED: "true"})


def _keyed_hash(covered: dict[str, Any]) -> str:
    """Hash a body so that the table does not give away a phone number by trying all of them."""
    return hmac.new(settings.SECRET_KEY.encode(), canonical(covered), hashlib.sha256).hexdigest()
