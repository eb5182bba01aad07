"""System checks of the variables MTN_*; none of them calls MTN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from partners.config import is_public_https
from partners.mtn.config import ENVIRONMENTS, NAME, SANDBOX, MtnConfig


@register()
def mtn_variables_are_possible(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse impossible values, and a target environment in another currency than our books."""
    if NAME not in settings.PARTNERS:
        return []
    try:
        config = MtnConfig.from_environment()
    except ValueError as error:
        return [Error(f"{error}.", id="partners.E030")]
    if config.environment_name == SANDBOX:
        # Its euros would be booked as francs.
        return [Error("MTN_TARGET_ENVIRONMENT is the sandbox, which takes only euros.", id="partners.E031")]
    if config.environment_name not in ENVIRONMENTS:
        known = ", ".join(name for name in ENVIRONMENTS if name != SANDBOX)
        return [Error(f"MTN_TARGET_ENVIRONMENT must be one of {known}.", id="partners.E032")]
    return []


@register(Tags.security, deploy=True)
def mtn_is_called_by_https(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a simulator in production."""
    url = _url()
    if not url or is_public_https(url):
        return []
    return [Error("MTN_URL must be https:// and a public host.", id="partners.E033")]


def _url() -> str:
    """Return the address; "" where MTN is not in use, or a variable is impossible."""
    try:
        return MtnConfig.from_environment().url if NAME in settings.PARTNERS else ""
    except ValueError:
        return ""
