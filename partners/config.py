"""What a partner's folder reads from the environment. A missing value is named; none is ever shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from partners.wire import PartnerError
from sunusav.core.web_addresses import is_public


class NotConfigured(PartnerError):
    """A variable that this process needs for the call is not set: nothing was sent."""


@dataclass(frozen=True)
class Secret:
    """A secret of the environment, by the name of its variable."""

    variable: str
    _value: str = field(repr=False)

    def value(self) -> str:
        """Return the secret. Raises: NotConfigured."""
        if not self._value:
            raise NotConfigured(f"{self.variable} is not set")
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)


def secret(variable: str) -> Secret:
    """Return a secret of the environment, set or not."""
    return Secret(variable, os.environ.get(variable, ""))


def text(variable: str, default: str) -> str:
    """Return a value of the environment, or its default where it is unset or empty."""
    return os.environ.get(variable) or default


def number(variable: str, default: int) -> int:
    """Return a whole number of the environment, or its default. Raises: ValueError that names the variable."""
    given = text(variable, str(default))
    if not given.isascii() or not given.isdigit():
        raise ValueError(f"{variable} must be a whole number")
    return int(given)


def texts(variable: str, default: str) -> tuple[str, ...]:
    """Return a list of the environment, separated by commas."""
    return tuple(part.strip() for part in text(variable, default).split(",") if part.strip())


def is_public_https(url: str) -> bool:
    """Return whether an address has TLS and is not on this machine or a private network, as far as it shows that."""
    address = urlsplit(url)
    host = address.hostname or ""
    if address.scheme != "https" or not host or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        ip_address(host)
    except ValueError:
        return True
    return is_public(host)
