"""System checks of the Lightning settings; none of them calls the node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from lightning.client import AccessScope, NodeMisconfigured, access_for
from lightning.macaroon_format import MacaroonUnreadable
from lightning.macaroons import assess, read_macaroon
from lightning.networks import INVOICE_PREFIXES
from sunusav.core import clock

# The organisation in the certificates that `sandbox.lnd.tls` makes.
SIMULATED_ORGANISATION = "simulated node"


@register()
def network_is_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a network whose invoice prefix is unknown."""
    if settings.LND_NETWORK in INVOICE_PREFIXES:
        return []
    return [Error(f"LND_NETWORK must be one of {', '.join(INVOICE_PREFIXES)}.", id="lightning.E001")]


@register(Tags.security, deploy=True)
def certificate_is_given(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Require the certificate; a process may lack the macaroons of scopes it does not use."""
    if not settings.LND_TLS_CERT_PATH:
        return [Error("LND_TLS_CERT_PATH is not set.", id="lightning.E002")]
    return []


@register(Tags.security, deploy=True)
def macaroons_are_narrow(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse LND's admin macaroon, and one macaroon for two scopes.

    The admin macaroon may delete payments, and LND refuses a second payment only of a hash that it still has.
    """
    paths = {scope: access_for(scope).macaroon_path for scope in AccessScope}
    given = [text for scope in AccessScope for text in _given(scope) if text]
    messages: list[CheckMessage] = [
        Error(f"LND_{scope.name}_MACAROON_PATH is the admin macaroon.", id="lightning.E003")
        for scope, path in paths.items()
        if Path(path).name == "admin.macaroon"
    ]
    if len(set(given)) < len(given):
        messages.append(Error("Two access scopes share one LND macaroon.", id="lightning.E004"))
    return messages


@register()
def macaroons_are_given_once(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a macaroon given both as a path and as hex: at the next rotation one of them would be forgotten."""
    return [
        Error(
            f"LND_{scope.name}_MACAROON_PATH and LND_{scope.name}_MACAROON_HEX are both set.",
            hint="Keep one of them.",
            id="lightning.E006",
        )
        for scope in AccessScope
        if all(_given(scope))
    ]


@register(Tags.security, deploy=True)
def macaroons_have_no_forbidden_rights(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Read the macaroons that this process can read and refuse dangerous rights."""
    return [message for scope in AccessScope for message in _dangers_of(scope, clock.now())]


@register(Tags.security, deploy=True)
def node_is_not_simulated(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse the simulated node, recognised by its certificate: its payments move no money."""
    if settings.LND_TLS_CERT_PATH and SIMULATED_ORGANISATION in _organisations(settings.LND_TLS_CERT_PATH):
        return [Error("LND_TLS_CERT_PATH is the certificate of a simulated node.", id="lightning.E005")]
    return []


@register(Tags.security, deploy=True)
def public_base_url_is_https(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse withdrawal links without TLS: anyone who reads one in transit can take the money.

    Source: LUD-01: an https URL; the only exception is .onion.
    """
    address = urlsplit(settings.PUBLIC_BASE_URL)
    if address.scheme == "https" and address.hostname and not (address.path or address.query):
        return []
    text = "PUBLIC_BASE_URL must be https:// and a host, without a path or a closing slash."
    return [Error(text, id="lightning.E008")]


def _given(scope: AccessScope) -> tuple[str, str]:
    access = access_for(scope)
    return access.macaroon_path, access.macaroon_text


def _dangers_of(scope: AccessScope, now: datetime) -> list[CheckMessage]:
    try:
        assessment = assess(read_macaroon(access_for(scope).macaroon()), scope, now=now)
    except (NodeMisconfigured, MacaroonUnreadable):
        return []  # `check_macaroons` reports it, and the client at its first call
    return [
        Error(f"The {scope} macaroon has a right it must not have: {right}.", id="lightning.E007")
        for right in assessment.forbidden
    ]


def _organisations(path: str) -> set[str]:
    try:
        certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
    except (OSError, ValueError):
        return set()
    named = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return {str(attribute.value) for attribute in named}
