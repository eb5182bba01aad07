"""System checks of the API's settings."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from sunusav.api.throttling import read_rate


@register()
def webhooks_are_signed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Require the secret that signs webhooks where there is an address to send them to."""
    if settings.PLATFORM_WEBHOOK_URL and not settings.PLATFORM_WEBHOOK_SECRET:
        return [Error("PLATFORM_WEBHOOK_URL needs PLATFORM_WEBHOOK_SECRET.", id="sunusav.E005")]
    return []


@register()
def rates_are_readable(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse at start-up a rate limit that cannot be read; otherwise the first request would fail."""
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    return [
        Error(f"The rate {rate!r} of {scope} is not like 60/min.", id="sunusav.E006")
        for scope, rate in rates.items()
        if rate is not None and not _is_readable(rate)
    ]


def _is_readable(rate: str) -> bool:
    try:
        allowed, seconds = read_rate(rate)
    except (ValueError, KeyError):
        return False
    return allowed > 0 and seconds > 0
