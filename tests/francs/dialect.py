"""The franc partner's HTTP calls: JSON in and out, under `/v1`, with a key; errors are `{"code": ...}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.simulator.dialect import Call, Request, Response
from sandbox.simulator.page import wallets_page
from sandbox.simulator.script import Step
from sandbox.simulator.store import Row
from tests.francs.provider import CallRefused, Provider

# What a call does, given what it is about and its body or query.
Act = Callable[[Provider, str, Row, Step], Row]
# By method, first part of the path, and number of its parts.
CALLS: dict[tuple[str, str, int], tuple[str, Act]] = {
    ("POST", "payouts", 1): ("pay_out", lambda provider, _, body, step: provider.pay_out(**body, step=step)),
    ("GET", "payouts", 2): ("find_payout", lambda provider, reference, *_: provider.payouts(reference)),
    ("GET", "recipients", 2): ("recipient", lambda provider, phone, *_: provider.recipient(phone)),
    ("GET", "balance", 1): ("balance", lambda provider, *_: provider.balance()),
    ("GET", "statement", 1): (
        "statement",
        lambda provider, _, query, __: provider.statement(**{name: int(query[name]) for name in query}),
    ),
    ("POST", "collections", 1): (
        "open_collection",
        lambda provider, _, body, step: provider.open_collection(**body, step=step),
    ),
    ("GET", "collections", 2): (
        "find_collection",
        lambda provider, reference, *_: provider.collection(reference),
    ),
    ("POST", "collections", 3): (
        "cancel_collection",
        lambda provider, reference, *_: provider.cancel_collection(reference),
    ),
}


class FrancDialect:
    """The invented partner, as `sandbox.simulator.dialect.Dialect`."""

    title = "Francs (invented)"

    def __init__(self, folder: Path) -> None:
        self.provider = Provider(folder / "francs.sqlite3")
        self.store = self.provider.store
        provider = self.provider
        self.controls: Mapping[str, Callable[..., Any]] = {
            "top_up": provider.top_up, "complete": provider.complete, "reverse": provider.reverse,
            "pay_in": provider.pay_in, "record": provider.record, "account": provider.balance,
            "asked": lambda reference: provider.collection(reference)["amount"],
        }  # fmt: skip

    def call_of(self, request: Request) -> Call | None:
        """Return the call, and a refusal without our key."""
        path = _parts(request)
        if path is None:
            return None
        name, _ = CALLS[request.method, path[0], len(path)]
        reference = path[1] if len(path) > 1 else str(_content(request).get("reference", ""))
        has_key = request.headers.get("authorization") == f"Bearer {self.store.setting('api_key')}"
        return Call(name, reference, None if has_key else Response.of(401, {"code": "invalid_key"}))

    def perform(self, call: Call, request: Request, step: Step) -> Response:
        """Do a call, as often as its step says."""
        path = _parts(request) or []
        _, act = CALLS[request.method, path[0], len(path)]
        reference = path[1] if len(path) > 1 else ""
        try:
            done = [act(self.provider, reference, _content(request), step) for _ in range(step.times)]
        except CallRefused as refused:
            return Response.of(refused.status, refused.answer)
        except (TypeError, ValueError, KeyError):
            return Response.of(422, {"code": "malformed"})
        return Response.of(200, done[0])

    def error(self, status: int) -> Response:
        codes = {401: "unauthorized", 404: "no_such_call", 429: "too_many_requests"}
        is_closed = status == 503 and self.store.setting("is_closed")
        return Response.of(status, {"code": "closed" if is_closed else codes.get(status, "internal_error")})

    def page(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("GET", "/"):
            return None
        return wallets_page(self.title, self.provider.wallets.all())


def _parts(request: Request) -> list[str] | None:
    """Return the path of a call after `/v1`; None where there is none."""
    area, *path = request.path.removeprefix("/").split("/")
    known = area == "v1" and bool(path) and (request.method, path[0], len(path)) in CALLS
    return path if known else None


def _content(request: Request) -> Row:
    """Return the query and the body together; nothing of a body that is no JSON object."""
    try:
        body = request.json() if request.body else {}
    except ValueError:
        body = {}
    return {**request.query, **(body if isinstance(body, dict) else {})}
