"""System checks of the API find at start-up what would fail at the first request."""

from typing import Any

import pytest

from sunusav.api import checks


def test_webhooks_without_a_secret_are_refused(settings: Any) -> None:
    settings.PLATFORM_WEBHOOK_URL, settings.PLATFORM_WEBHOOK_SECRET = "https://platform.example/hooks", ""
    assert [error.id for error in checks.webhooks_are_signed(None)] == ["sunusav.E005"]
    settings.PLATFORM_WEBHOOK_SECRET = "whsec_c2VjcmV0"
    assert checks.webhooks_are_signed(None) == []


@pytest.mark.parametrize("rate", ["60", "60/fortnight", "x/min", "0/min", "/", ""])
def test_rate_that_cannot_be_read_is_refused(settings: Any, rate: str) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"client": rate}}
    assert [error.id for error in checks.rates_are_readable(None)] == ["sunusav.E006"]


def test_rates_that_are_shipped_can_be_read(settings: Any) -> None:
    rates = {"anonymous": "60/min", "client": "6000/min", "off": None}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    assert checks.rates_are_readable(None) == []
