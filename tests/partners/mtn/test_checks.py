import pytest
from django.core.checks import CheckMessage
from pytest_django import Settings

from partners.config import is_public_https
from partners.mtn.checks import mtn_is_called_by_https, mtn_variables_are_possible


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


@pytest.fixture(autouse=True)
def in_use(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PARTNERS = ["mtn"]
    monkeypatch.setenv("MTN_TARGET_ENVIRONMENT", "mtnbenin")


def test_variables_in_order_have_no_message() -> None:
    assert ids([*mtn_variables_are_possible(None), *mtn_is_called_by_https(None)]) == []


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("MTN_TOKEN_PLATFORM", "old", "partners.E030"),
        ("MTN_TARGET_ENVIRONMENT", "sandbox", "partners.E031"),
        ("MTN_TARGET_ENVIRONMENT", "mtncongo", "partners.E032"),
        ("MTN_TARGET_ENVIRONMENT", "", "partners.E032"),
    ],
)
def test_impossible_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert ids(mtn_variables_are_possible(None)) == [expected]

    settings.PARTNERS = []
    assert ids([*mtn_variables_are_possible(None), *mtn_is_called_by_https(None)]) == []


def test_simulator_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTN_URL", "http://127.0.0.1:8010")

    assert ids(mtn_is_called_by_https(None)) == ["partners.E033"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://proxy.momoapi.mtn.com", True),
        ("https://203.0.114.7", True),
        ("http://proxy.momoapi.mtn.com", False),
        ("https://localhost", False),
        ("https://mtn.localhost", False),
        ("https://127.0.0.1:8010", False),
        ("https://[::1]", False),
        ("https://10.0.0.7", False),
        ("https://", False),
        ("", False),
    ],
)
def test_public_https(url: str, expected: bool) -> None:
    assert is_public_https(url) is expected
