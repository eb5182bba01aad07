"""Safe HTTP: time and size limits, no redirects, JSON only."""

import json
from http import HTTPStatus
from typing import Any

import requests

from sunusav.core.errors import Unavailable

DEFAULT_MAX_BYTES = 300_000


class OutsideUnavailable(Unavailable):
    address: str
    detail: str


def get_json(url: str, *, timeout_seconds: float = 5.0, max_bytes: int = DEFAULT_MAX_BYTES) -> Any:
    """Fetch a JSON document. Raises: OutsideUnavailable for anything but a well-formed 200."""
    try:
        with requests.get(url, timeout=timeout_seconds, stream=True, allow_redirects=False) as response:
            response.raise_for_status()
            body = response.raw.read(max_bytes + 1, decode_content=True)
    except requests.RequestException as error:
        raise OutsideUnavailable(address=url, detail=type(error).__name__) from error
    if response.status_code != HTTPStatus.OK or len(body) > max_bytes:
        raise OutsideUnavailable(address=url, detail=f"status {response.status_code}, {len(body)} bytes")
    try:
        return json.loads(body, parse_float=str)
    except ValueError as error:
        raise OutsideUnavailable(address=url, detail="not JSON") from error
