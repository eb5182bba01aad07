"""What the server of a simulated partner needs of the partner: its calls, its errors, its page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.simulator.script import Step
from sandbox.simulator.store import Store


@dataclass(frozen=True)
class Request:
    """A request as it arrived. `path` is decoded, without a query; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON. Raises: ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """What is answered."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, document: Any, **headers: str) -> Response:
        """Answer a JSON document."""
        return cls(status, json.dumps(document, ensure_ascii=False).encode(), headers=headers)


@dataclass(frozen=True)
class Call:
    """A call by its name, and the reference by which it can be scripted; empty where it has none.

    `refusal` is the answer to a caller without the right credentials: nothing else is done then.
    """

    name: str
    reference: str = ""
    refusal: Response | None = None


class Dialect(Protocol):
    """One partner. Its rules act on its store, each call in one transaction."""

    title: str
    store: Store
    # What a test or the demo may call beside the common controls, by name.
    controls: Mapping[str, Callable[..., Any]]

    def call_of(self, request: Request) -> Call | None:
        """Return which call a request is; None: there is no such path."""
        ...

    def perform(self, call: Call, request: Request, step: Step) -> Response:
        """Do a call as its step says, and answer it in the partner's words."""
        ...

    def error(self, status: int) -> Response:
        """Answer an error that has nothing to do with the call: 401, 404, 429, 500, 503."""
        ...

    def page(self, request: Request) -> Response | None:
        """Answer a request of a person's browser (phones and balances, a checkout page); None: it is none."""
        ...
