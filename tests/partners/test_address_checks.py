"""Production calls partners over TLS, at public hosts."""

import pytest
from pytest_django import Settings

from partners.address_checks import partners_are_called_over_tls


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("", False), ("https://api.orange-sonatel.com", False), ("https://api.sandbox.orange-sonatel.com", False),
        ("http://api.orange-sonatel.com", True), ("https://127.0.0.1:8443", True), ("https://localhost", True),
        ("https://[::1]", True), ("https://10.0.0.8", True), ("https://orange.localhost", True), ("orange", True),
    ],
)  # fmt: skip
def test_address_that_is_not_public_or_not_encrypted_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, address: str, is_refused: bool
) -> None:
    settings.PARTNERS = ["orange"]
    monkeypatch.setenv("ORANGE_URL", address)

    found = [error.id for error in partners_are_called_over_tls(None)]

    assert found == (["partners.E001"] if is_refused else [])


def test_address_of_a_partner_that_is_not_in_use_is_not_looked_at(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PARTNERS = []
    monkeypatch.setenv("ORANGE_URL", "http://127.0.0.1")

    assert partners_are_called_over_tls(None) == []
