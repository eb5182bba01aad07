"""System checks of the Lightning settings; nothing here asks the node."""

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
from lightning.macaroons import MacaroonUnreadable, read_macaroon, verdict_on
from lightning.networks import INVOICE_PREFIXES
from sunusav.core import clock

# What `sandbox.lnd.tls` writes as the organisation of its certificates.
SIMULATED_ORGANISATION = "simulated node"


@register()
def network_is_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a network whose invoices we could not tell."""
    if settings.LND_NETWORK in INVOICE_PREFIXES:
        return []
    return [Error(f"LND_NETWORK must be one of {', '.join(INVOICE_PREFIXES)}.", id="lightning.E001")]


@register(Tags.security, deploy=True)
def files_are_given(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Ask for the certificate; a macaroon may be missing where a process has no such errand."""
    if not settings.LND_TLS_CERT_PATH:
        return [Error("LND_TLS_CERT_PATH is not set.", id="lightning.E002")]
    return []


@register(Tags.security, deploy=True)
def macaroons_are_narrow(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse LND's all-powerful macaroon, and one macaroon for two errands.

    Source: lightning.md section 2: who may delete payments can destroy the node's protection against paying
    twice.
    """
    paths = {errand: access_for(errand).macaroon_path for errand in AccessScope}
    given = [text for errand in AccessScope for text in _given(errand) if text]
    messages: list[CheckMessage] = [
        Error(f"LND_{errand.name}_MACAROON_PATH is the admin macaroon.", id="lightning.E003")
        for errand, path in paths.items()
        if Path(path).name == "admin.macaroon"
    ]
    if len(set(given)) < len(given):
        messages.append(Error("Two errands share one LND macaroon.", id="lightning.E004"))
    return messages


@register()
def macaroons_are_given_once(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a macaroon given as a path and as hex, of which one would be forgotten at the next change."""
    return [
        Error(
            f"LND_{errand.name}_MACAROON_PATH and LND_{errand.name}_MACAROON_HEX are both set.",
            hint="Keep one of them.",
            id="lightning.E006",
        )
        for errand in AccessScope
        if all(_given(errand))
    ]


@register(Tags.security, deploy=True)
def macaroons_may_no_more_than_needed(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Read the macaroons that this process has and refuse dangerous rights; files elsewhere say nothing."""
    return [message for errand in AccessScope for message in _dangers_of(errand, clock.now())]


@register(Tags.security, deploy=True)
def node_is_not_simulated(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse the simulated node, known by its certificate: what it pays is no money."""
    if settings.LND_TLS_CERT_PATH and SIMULATED_ORGANISATION in _organisations(settings.LND_TLS_CERT_PATH):
        return [Error("LND_TLS_CERT_PATH is the certificate of a simulated node.", id="lightning.E005")]
    return []


@register(Tags.security, deploy=True)
def wallets_reach_us_safely(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse an address for wallets without TLS: whoever reads a withdrawal link on its way can take the money.

    Source: LUD-01: an https URL, nothing else but .onion.
    """
    address = urlsplit(settings.PUBLIC_BASE_URL)
    if address.scheme == "https" and address.hostname and not (address.path or address.query):
        return []
    text = "PUBLIC_BASE_URL must be https:// and a host, without a path or a closing slash."
    return [Error(text, id="lightning.E008")]


def _given(errand: AccessScope) -> tuple[str, str]:
    access = access_for(errand)
    return access.macaroon_path, access.macaroon_text


def _dangers_of(errand: AccessScope, now: datetime) -> list[CheckMessage]:
    try:
        verdict = verdict_on(read_macaroon(access_for(errand).macaroon()), errand, now=now)
    except (NodeMisconfigured, MacaroonUnreadable):
        return []  # the client names it at the first call, `check_macaroons` before
    return [
        Error(f"The {errand} macaroon has a right it must not have: {right}.", id="lightning.E007")
        for right in verdict.too_much
    ]


def _organisations(path: str) -> set[str]:
    try:
        certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
    except (OSError, ValueError):
        return set()
    named = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return {str(attribute.value) for attribute in named}
