"""Idempotency keys: the same client, method, path, key and body get the same answer, and the work runs once.

An answer is stored once the endpoint has started to execute, also when it is a refusal or a failure. A request
that was rejected before that, or because a dependency was unavailable, is not stored and can be retried with the
same key. A request whose process was killed leaves a lease, which the same key and body may take over once it
has expired. Keys only spare repeated work: that a cycle is paid once is held by the services and the database.

Source: draft-ietf-httpapi-idempotency-key-header-07.
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
from sunusav.core.encryption import current_key_id
from sunusav.core.privacy import open_sealed, seal_bytes
from sunusav.core.sealing import canonical
from sunusav.core.transactions import retried_on_deadlock

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
METHODS = {"POST", "PUT", "PATCH", "DELETE"}
KEY_LENGTH = 255
# Longer than any request can run: the server stops a request after 30 s.
LEASE = timedelta(seconds=60)
RETENTION = timedelta(days=30)
# Rejected before the endpoint ran, or because a dependency was unavailable: the same key may be used again.
NOT_STORED = {400, 401, 403, 405, 406, 411, 413, 415, 429, 503}
STORED_HEADERS = ("Content-Type", "Location")


@dataclass(frozen=True)
class Call:
    """A request with an idempotency key: what the key belongs to, and a hash of what was sent."""

    client_id: int
    method: str
    path: str
    key: str
    fingerprint: str

    @property
    def scope_hash(self) -> str:
        """Return a hash of the client, method, path and key, which identifies the stored answer."""
        return hashlib.sha256(
            canonical({"scope": [self.client_id, self.method, self.path, self.key]})
        ).hexdigest()


def call_of(request: Request) -> Call | None:
    """Return the call that the request's key identifies, or None when it has no key.

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
    """Return the stored answer of this call, or execute the call and store its answer.

    Raises: IdempotencyKeyInUse, IdempotencyKeyReused.
    """
    row = _claim(call, now=now)
    if row.state == KeyState.ANSWERED:
        return _replay(row)
    response = execute()
    _store(row, response)
    return response


@retried_on_deadlock
def clean_up_keys(*, now: datetime, limit: int = 10_000) -> int:
    """Delete keys older than the promised 30 days; return how many."""
    old = IdempotencyKey.objects.filter(created_at__lt=now - RETENTION).order_by("created_at")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return IdempotencyKey.objects.filter(pk__in=ids).delete()[0]


def _claim(call: Call, *, now: datetime) -> IdempotencyKey:
    """Insert the key, or return the row of an earlier request: the unique constraint decides which was first."""
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(
                scope_hash=call.scope_hash, client_id=call.client_id, fingerprint=call.fingerprint,
                lease=uuid4().hex, leased_at=now, created_at=now,
            )  # fmt: skip
    except IntegrityError:
        return _existing(call, now=now)


def _existing(call: Call, *, now: datetime) -> IdempotencyKey:
    row = IdempotencyKey.objects.filter(scope_hash=call.scope_hash).first()
    if row is None:  # deleted since the insert failed
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


def _store(row: IdempotencyKey, response: HttpResponse) -> None:
    """Store the answer, unless another request has taken over the lease."""
    mine = IdempotencyKey.objects.filter(pk=row.pk, state=KeyState.RUNNING, lease=row.lease)
    if response.status_code in NOT_STORED:
        mine.update(state=KeyState.RELEASED)
        return
    mine.update(
        state=KeyState.ANSWERED,
        status=response.status_code,
        headers={name: response.headers[name] for name in STORED_HEADERS if name in response.headers},
        sealed_content=seal_bytes(response.content, bound_to=row.scope_hash),
        key_id=current_key_id(),
    )


def _replay(row: IdempotencyKey) -> HttpResponse:
    content = open_sealed(bytes(row.sealed_content or b""), bound_to=row.scope_hash)
    return HttpResponse(content, status=row.status, headers={**row.headers, REPLAYED: "true"})


def _keyed_hash(covered: dict[str, Any]) -> str:
    """Hash a request with our key: a plain hash would reveal a phone number to anyone who hashes all of them."""
    return hmac.new(settings.SECRET_KEY.encode(), canonical(covered), hashlib.sha256).hexdigest()
