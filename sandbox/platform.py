"""The platform's side of the API: one authenticated JSON call. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_SECONDS = 30
Facts = dict[str, Any]


class CallRefused(Exception):
    """The API refused a call; `status` and the problem document say why."""

    def __init__(self, call: str, status: int, problem: str) -> None:
        super().__init__(f"{call}: {status} {problem[:500]}")
        self.status, self.problem = status, problem

    @property
    def code(self) -> str:
        """The code of the problem document, or an empty string where the answer is none."""
        try:
            return str(json.loads(self.problem)["code"])
        except (ValueError, KeyError, TypeError):
            return ""


class Platform:
    """Calls the API with a platform token."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base, self._token = f"{base_url}/monetization", token

    def get(self, path: str) -> Facts:
        return self._call("GET", path)

    def post(self, path: str, body: Facts) -> Facts:
        return self._call("POST", path, body)

    def put(self, path: str, body: Facts) -> Facts:
        return self._call("PUT", path, body)

    def _call(self, method: str, path: str, body: Facts | None = None) -> Facts:
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
                answer: Facts = json.load(response)
        except urllib.error.HTTPError as error:
            raise CallRefused(f"{method} {path}", error.code, error.read().decode()) from error
        return answer
