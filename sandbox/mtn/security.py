"""Users, keys and tokens of the simulated MTN: who may call, and how MTN refuses who may not."""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sandbox.mtn import answers
from sandbox.simulator.dialect import Request, Response
from sandbox.simulator.store import Store

# Published: they open nothing but this simulator.
SUBSCRIPTIONS = {"disbursement": "mtn-disbursement-key", "collection": "mtn-collection-key"}
USER, KEY = "0d6b1c6e-6a1f-4c9b-9a38-51a04c3f7f01", "mtn-demo-api-key"
TABLES = """
CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, callback_host TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (token TEXT PRIMARY KEY, product TEXT NOT NULL, ends_at TEXT NOT NULL);
"""


class Security:
    """Checks each call in MTN's order: agent, subscription key, token, target environment."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def refusal(self, request: Request, product: str) -> Response | None:
        """Return how a call of a product is refused; None if it may be made."""
        if refused := self.gateway_refusal(request, product):
            return refused
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        known = self._store.row("SELECT * FROM tokens WHERE token = ? AND product = ?", token, product)
        if known is None or known["ends_at"] <= self._store.now():
            return answers.wrong_token()
        if request.headers.get("x-target-environment") != self._store.setting("target_environment"):
            return answers.refused("NOT_ALLOWED_TARGET_ENVIRONMENT")
        return None

    def gateway_refusal(self, request: Request, product: str) -> Response | None:
        """Return how the gateway refuses a caller: for its agent, or for its subscription key."""
        if "python-requests" in request.headers.get("user-agent", ""):
            return answers.blocked_agent()
        given = request.headers.get("ocp-apim-subscription-key", "")
        allowed = [SUBSCRIPTIONS[product]] if product else [*SUBSCRIPTIONS.values()]
        return None if given in allowed else answers.wrong_subscription_key()

    def issue_token(self, request: Request, product: str) -> Response:
        """Answer a request for a token."""
        environment = request.headers.get("x-target-environment")
        is_new = self._store.setting("platform") == "new"
        if is_new and environment != self._store.setting("target_environment"):
            return answers.no_token(400, "Invalid or missing X-Target-Environment header")
        if request.body:
            return answers.malformed("the body must be empty")
        user, _, key = _basic(request).partition(":")
        if "%" in user:
            return answers.error(500)
        if self._store.setting("is_revoked") or not self._is_known(user, key):
            return answers.no_token(401, "invalid_client" if is_new else "login_failed")
        token, lasts = secrets.token_urlsafe(24), self._store.setting("token_seconds")
        ends_at = self._store.now(later=timedelta(seconds=lasts))
        self._store.insert("tokens", token=token, product=product, ends_at=ends_at)
        return Response.of(200, {"access_token": token, "token_type": "access_token", "expires_in": lasts})

    def create_user(self, request: Request) -> Response:
        """Provision a user of the sandbox."""
        name = request.headers.get("x-reference-id", "")
        if not is_version_4(name):
            return answers.malformed("X-Reference-Id is not a version 4 UUID")
        if self._store.row("SELECT id FROM users WHERE id = ?", name):
            return answers.refused("RESOURCE_ALREADY_EXIST")
        host = str(_object(request).get("providerCallbackHost", ""))
        self._store.insert("users", id=name, callback_host=host, key="")
        return Response(201)

    def describe_user(self, name: str) -> Response:
        found = self._store.row("SELECT * FROM users WHERE id = ?", name)
        if found is None:
            return answers.refused("RESOURCE_NOT_FOUND")
        environment = self._store.setting("target_environment")
        return Response.of(
            200, {"providerCallbackHost": found["callback_host"], "targetEnvironment": environment}
        )

    def create_key(self, name: str) -> Response:
        if self._store.row("SELECT id FROM users WHERE id = ?", name) is None:
            return answers.refused("RESOURCE_NOT_FOUND")
        key = secrets.token_hex(16)
        self._store.execute("UPDATE users SET key = ? WHERE id = ?", key, name)
        return Response.of(201, {"apiKey": key})

    def _is_known(self, user: str, key: str) -> bool:
        provisioned = self._store.row(
            "SELECT id FROM users WHERE id = ? AND key = ? AND key != ''", user, key
        )
        return (user, key) == (USER, KEY) or provisioned is not None


def is_version_4(text: str) -> bool:
    try:
        return UUID(text).version == 4
    except ValueError:
        return False


def _basic(request: Request) -> str:
    given = request.headers.get("authorization", "").removeprefix("Basic ")
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _object(request: Request) -> dict[str, Any]:
    try:
        found = request.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
