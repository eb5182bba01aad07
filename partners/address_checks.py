"""System check of where partners are called: production calls their own hosts, over TLS."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from partners.config import text


@register(Tags.security, deploy=True)
def partners_are_called_over_tls(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse addresses of partners that are not https, or on this machine or a private network."""
    variables = [f"{name.upper()}_URL" for name in settings.PARTNERS]
    return [
        Error(f"{variable} must be https, and a public host.", id="partners.E001")
        for variable in variables
        if (address := text(variable, "")) and not _is_public(address)
    ]


def _is_public(address: str) -> bool:
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" and ipaddress.ip_address(host).is_global
    except ValueError:
        return (
            parts.scheme == "https"
            and "." in host
            and not host.endswith((".localhost", ".local", ".internal"))
        )
