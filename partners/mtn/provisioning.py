"""A user and its key for MTN's sandbox. Those of production are made in MTN's portal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import uuid4

from partners.mtn.client import MtnRefused, code_of
from partners.wire import JSON_TYPE, Answer, AnswerLost, Wire

TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class SandboxUser:
    """A user of the sandbox with its key."""

    name: str
    key: str = field(repr=False)


def provision(*, url: str, subscription_key: str, callback_host: str) -> SandboxUser:
    """Make a user and its key. Raises: PartnerError."""
    wire, name = Wire(url, TIMEOUT_SECONDS), str(uuid4())
    headers = {"Ocp-Apim-Subscription-Key": subscription_key}
    body = json.dumps({"providerCallbackHost": callback_host}).encode()
    _require_success(
        wire.call(
            "POST", "/v1_0/apiuser", content=body,
            headers={**headers, "X-Reference-Id": name, "Content-Type": JSON_TYPE},
        )
    )  # fmt: skip
    issued = wire.call("POST", f"/v1_0/apiuser/{name}/apikey", headers=headers)
    _require_success(issued)
    key = issued.row().get("apiKey")
    if not isinstance(key, str) or not key:
        raise AnswerLost("an answer without a key")
    return SandboxUser(name, key)


def _require_success(answer: Answer) -> None:
    if not answer.is_success:
        raise MtnRefused(answer.status, code_of(answer))
