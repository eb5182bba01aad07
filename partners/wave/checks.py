"""System checks of Wave's variables, where Wave is in use; none of them calls Wave."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register

from partners.wave.config import NAME, WaveConfig

# Where the currency is the franc of these accounts (XOF).
COUNTRIES = ("BF", "BJ", "CI", "GW", "ML", "NE", "SN", "TG")


@register()
def wave_variables_are_possible(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse impossible values, and a country with another currency."""
    if NAME not in settings.PARTNERS:
        return []
    try:
        config = WaveConfig.from_environment()
    except ValueError as error:
        return [Error(f"{error}.", id="partners.E020")]
    if config.country not in COUNTRIES:
        return [Error(f"WAVE_COUNTRY must be one of {', '.join(COUNTRIES)}.", id="partners.E021")]
    return []


@register(Tags.security, deploy=True)
def wave_is_called_by_https(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse an address without TLS, or on this machine: the key would be readable, or the partner simulated."""
    config = _config()
    if config is None or _is_public_https(config.url):
        return []
    return [Error("WAVE_URL must be https:// and a public host.", id="partners.E022")]


@register(deploy=True)
def wave_statement_has_its_first_day(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn where payouts cannot be matched with Wave's transactions."""
    config = _config()
    if config is None or config.statement_from is not None:
        return []
    text = "WAVE_STATEMENT_FROM is not set: payouts by Wave are not matched with its transactions."
    return [
        checks.Warning(text, hint="Set the day of the first payout, such as 2026-11-27.", id="partners.W020")
    ]


def _config() -> WaveConfig | None:
    """Return the variables; None where Wave is not in use, or one of them is impossible."""
    try:
        return WaveConfig.from_environment() if NAME in settings.PARTNERS else None
    except ValueError:
        return None


def _is_public_https(url: str) -> bool:
    address = urlsplit(url)
    host = address.hostname or ""
    if address.scheme != "https" or not host or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return True
