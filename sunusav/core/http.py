"""HTTP clients with limits on time and size, no redirects, JSON only.

`get_json` is for addresses from our own settings; `UntrustedHostClient` for addresses that others gave us.
"""

import json
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache as memoize
from hashlib import sha256
from http import HTTPStatus
from http.client import HTTPException
from typing import Any

import requests
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from sunusav.core import untrusted_http
from sunusav.core.errors import Unavailable
from sunusav.core.web_addresses import HTTPS_PORT, WebAddress, read_web_address

logger = logging.getLogger(__name__)

DEFAULT_MAX_BYTES = 300_000
# A payment takes two requests: enough for 300 payouts a minute to one wallet provider, and a limit to a runaway loop.
REQUESTS_PER_MINUTE = 600


class HostUnavailable(Unavailable):
    code = "outside-unavailable"
    address: str
    detail: str


def get_json(url: str, *, timeout_seconds: float = 5.0, max_bytes: int = DEFAULT_MAX_BYTES) -> Any:
    """Fetch a JSON document. Raises: HostUnavailable for anything but a well-formed 200."""
    try:
        with requests.get(url, timeout=timeout_seconds, stream=True, allow_redirects=False) as response:
            response.raise_for_status()
            body = response.raw.read(max_bytes + 1, decode_content=True)
    except requests.RequestException as error:
        raise HostUnavailable(address=url, detail=type(error).__name__) from error
    if response.status_code != HTTPStatus.OK or len(body) > max_bytes:
        raise HostUnavailable(address=url, detail=f"status {response.status_code}, {len(body)} bytes")
    # NaN and Infinity are passed on as text, which the caller refuses by name.
    return _json(body, address=url, constant=str)


def _json(body: bytes, *, address: str, constant: Callable[[str], Any]) -> Any:
    """Read JSON without floats. Raises: HostUnavailable."""
    try:
        return json.loads(body, parse_float=str, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise HostUnavailable(address=address, detail="not JSON") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@memoize
def public_trust() -> ssl.SSLContext:
    """Return the certificate authorities that `requests` trusts, ignoring the environment."""
    return ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)


def checked_address(url: str, *, https_port: int = HTTPS_PORT) -> WebAddress:
    """Parse an address that others gave us, without using the network.

    Raises: AddressForbidden, OnionAddressUnsupported.
    """
    return read_web_address(url, loopback_hosts=settings.ALLOWED_LOOPBACK_HOSTS, https_port=https_port)


def url_of(authority: str, path: str) -> str:
    """Return the URL of a host given without a scheme: https, except for the loopback hosts of the settings."""
    is_ours = authority.lower() in settings.ALLOWED_LOOPBACK_HOSTS
    return f"{'http' if is_ours else 'https'}://{authority}{path}"


def _requests_within_minute(address: WebAddress) -> int:
    """Count one more request to this host. While the cache is unavailable, nothing is limited."""
    host = sha256(address.authority.encode()).hexdigest()
    name = f"untrusted-host:{host}:{int(time.time() // 60)}"
    try:
        cache.add(name, 0, timeout=120)
        return int(cache.incr(name))
    except (RedisError, OSError, ValueError) as error:
        logger.warning("a request to %s was not counted: %s", address.host, type(error).__name__)
        return 0


@dataclass(frozen=True)
class UntrustedHostClient:
    """GET a JSON object from an address that others gave us.

    https on one port; the name is resolved once, all its addresses must be public, and the connection goes to one of
    them with the name's own SNI, certificate and Host. No redirect, proxy, cookie or compression; one deadline for
    everything; a limit of requests to a host per minute. Status codes are ignored (LUD-01), except redirects.
    """

    resolver: untrusted_http.Resolver = untrusted_http.system_resolver
    trust: ssl.SSLContext | None = None
    https_port: int = HTTPS_PORT
    requests_per_minute: int = REQUESTS_PER_MINUTE
    deadline_seconds: float = 5.0
    max_bytes: int = DEFAULT_MAX_BYTES

    def get_json(self, url: str) -> dict[str, Any]:
        """Fetch a JSON object. Raises: AddressForbidden, OnionAddressUnsupported, HostUnavailable."""
        address = checked_address(url, https_port=self.https_port)
        if _requests_within_minute(address) > self.requests_per_minute:
            raise HostUnavailable(address=address.host, detail="asked too often by us")
        try:
            answer = self._answer(address, untrusted_http.Deadline(self.deadline_seconds))
        except (OSError, HTTPException, HTTPError) as error:
            raise HostUnavailable(address=address.host, detail=type(error).__name__) from error
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            raise HostUnavailable(address=address.host, detail=f"redirect {answer.status}")
        if answer.is_encoded or answer.is_too_long:
            raise HostUnavailable(address=address.host, detail="compressed or too long")
        document = _json(answer.body, address=address.host, constant=_refuse_constant)
        if not isinstance(document, dict):
            raise HostUnavailable(address=address.host, detail="not a JSON object")
        return document

    def _answer(self, address: WebAddress, deadline: untrusted_http.Deadline) -> untrusted_http.Answer:
        numbers = untrusted_http.resolve(address, self.resolver, deadline)
        return untrusted_http.get(
            address, numbers, trust=self.trust or public_trust(), deadline=deadline, max_bytes=self.max_bytes
        )
