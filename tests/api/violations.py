"""Rows that break the constraints of idempotency keys."""

from datetime import UTC, datetime

from sunusav.api.models import IdempotencyKey
from tests.factories.users import make_user
from tests.support.constraints import Violation

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def running_key() -> IdempotencyKey:
    return IdempotencyKey.objects.create(
        scope_hash="s" * 64,
        client=make_user(),
        fingerprint="f" * 64,
        lease="l",
        leased_at=NOW,
        created_at=NOW,
    )


VIOLATIONS = [
    Violation("idempotencykey_one_per_scope", running_key, {}),
    Violation("idempotencykey_answered_has_answer", running_key, {"state": "answered"}),
    Violation("idempotencykey_answered_has_answer", running_key, {"status": 200}),
    Violation("idempotencykey_answered_has_answer", running_key, {"sealed_content": b"{}"}),
]
