from __future__ import annotations

import pytest
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from partners.wave.checks import (
    wave_is_called_by_https,
    wave_statement_has_its_first_day,
    wave_variables_are_possible,
)
from sunusav.core.checks import require_web_holds_no_worker_secrets


@pytest.fixture(autouse=True)
def in_use(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wave is in use, with every variable at its default."""
    settings.PARTNERS = ["wave"]
    for name in ("URL", "COUNTRY", "NAME_CHECK", "STATEMENT_FROM", "TIMEOUT_SECONDS"):
        monkeypatch.delenv(f"WAVE_{name}", raising=False)


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def test_defaults_pass_but_for_the_first_day_of_the_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wave_variables_are_possible(None) == wave_is_called_by_https(None) == []
    assert ids(wave_statement_has_its_first_day(None)) == ["partners.W020"]

    monkeypatch.setenv("WAVE_STATEMENT_FROM", "2026-11-27")
    assert wave_statement_has_its_first_day(None) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("WAVE_NAME_CHECK", "maybe", "partners.E020"),
        ("WAVE_TIMEOUT_SECONDS", "8", "partners.E020"),
        ("WAVE_COUNTRY", "GM", "partners.E021"),
    ],
)
def test_impossible_value_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)

    assert ids(wave_variables_are_possible(None)) == [expected]


@pytest.mark.parametrize(
    "url",
    [
        "http://api.wave.com", "https://localhost", "https://wave.localhost", "https://127.0.0.1:8443",
        "https://[::1]", "https://10.0.0.7", "https://", "api.wave.com",
    ],
)  # fmt: skip
def test_address_that_is_not_public_https_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("WAVE_URL", url)

    assert ids(wave_is_called_by_https(None)) == ["partners.E022"]


def test_wave_that_is_not_in_use_is_not_checked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PARTNERS = []
    monkeypatch.setenv("WAVE_URL", "http://127.0.0.1")
    monkeypatch.setenv("WAVE_COUNTRY", "GM")

    for check in (wave_variables_are_possible, wave_is_called_by_https, wave_statement_has_its_first_day):
        assert check(None) == []


@pytest.mark.parametrize("name", ["WAVE_API_KEY", "WAVE_SIGNING_SECRET"])
def test_web_process_with_the_paying_key_does_not_start(settings: Settings, name: str) -> None:
    for other in settings.NEVER_IN_WEB:
        setattr(settings, other, "")
    require_web_holds_no_worker_secrets()
    setattr(settings, name, "canary")

    with pytest.raises(ImproperlyConfigured, match=name) as refusal:
        require_web_holds_no_worker_secrets()
    assert "canary" not in str(refusal.value)
