"""The variables of Orange: impossible values are named, defaults are the live API's."""

import pytest

from partners.orange.config import orange_config
from tests.partners.orange.harness import ENVIRONMENT


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ENVIRONMENT:
        monkeypatch.delenv(variable, raising=False)


def test_defaults_are_those_of_the_live_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORANGE_URL", raising=False)
    config = orange_config()

    assert (config.url, config.padding, config.balance_wallet) == (
        "https://api.orange-sonatel.com", "pkcs1v15", "PRINCIPAL",
    )  # fmt: skip
    assert (config.token_life_seconds, config.timeout_seconds) == (299, 10)
    assert (config.checks_recipient, config.checks_name) == (True, False)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ORANGE_TIMEOUT_SECONDS", "0"), ("ORANGE_TIMEOUT_SECONDS", "16"), ("ORANGE_TOKEN_LIFE_SECONDS", "5 min"),
        ("ORANGE_NAME_CHECK", "on"), ("ORANGE_RECIPIENT_CHECK", "no"), ("ORANGE_LEAST_REQUEST_XOF", "-1"),
    ],
)  # fmt: skip
def test_impossible_value_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=variable):
        orange_config()
