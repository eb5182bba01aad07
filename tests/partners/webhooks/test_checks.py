"""System checks of what proves webhooks."""

import pytest
from django.core.checks import Error
from django.core.checks import Warning as CheckWarning
from pytest_django import Settings

from partners.checks import path_tokens_are_unguessable, plug_ins_can_be_made, webhooks_can_be_proved
from tests.partners.webhooks.delivering import ENVIRONMENT


def test_unguessable_tokens_are_accepted() -> None:
    assert path_tokens_are_unguessable(None) == []


@pytest.mark.parametrize("token", ["callback", "7e" * 31, "7E" * 32, f"{'7e' * 32},x"])
def test_guessable_token_is_refused_without_showing_it(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTN_WEBHOOK_TOKENS", token)

    [message] = path_tokens_are_unguessable(None)

    assert isinstance(message, Error)
    assert message.id == "partners.E010"
    assert token not in str(message)


def test_partner_whose_webhooks_nothing_can_prove_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhooks_can_be_proved(None) == []
    for name in ENVIRONMENT:
        if name.startswith("ORANGE"):
            monkeypatch.delenv(name)

    [message] = webhooks_can_be_proved(None)

    assert isinstance(message, CheckWarning)
    assert "orange" in str(message.msg)


def test_variable_with_which_a_rail_cannot_be_made_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PARTNERS = ["orange"]
    settings.RAILS = {"orange": "partners.orange.rail.OrangeRail"}
    settings.COLLECTORS = {"orange": "partners.orange.collector.OrangeCollector"}
    assert plug_ins_can_be_made(None) == []

    monkeypatch.setenv("ORANGE_TIMEOUT_SECONDS", "20")

    (error,) = plug_ins_can_be_made(None)
    assert error.id == "partners.E011"
    assert "ORANGE_TIMEOUT_SECONDS" in error.msg
