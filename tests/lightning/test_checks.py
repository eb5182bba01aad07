"""Settings that must not reach production are named by the system checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from lightning import checks
from lightning.simulator.tls import ensure_certificate
from sunusav.settings import base

GOOD: dict[str, Any] = {
    "PUBLIC_BASE_URL": "https://money.example.org",
    "LND_NETWORK": "mainnet",
    "LND_TLS_CERT_PATH": "/srv/lnd/tls.cert",
    "LND_PAYING_MACAROON_PATH": "/srv/lnd/paying.macaroon",
    "LND_INVOICING_MACAROON_PATH": "/srv/lnd/invoicing.macaroon",
    "LND_READONLY_MACAROON_PATH": "",
}
ALL_CHECKS = (
    checks.network_is_known,
    checks.files_are_given,
    checks.macaroons_are_narrow,
    checks.node_is_not_simulated,
    checks.wallets_reach_us_safely,
)


def found(**changes: Any) -> list[str]:
    with override_settings(**(GOOD | changes)):
        return [str(message.id) for check in ALL_CHECKS for message in check(None)]


def test_checks_of_good_settings_are_silent() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"LND_NETWORK": "liquid"}, ["lightning.E001"]),
        ({"LND_TLS_CERT_PATH": ""}, ["lightning.E002"]),
        ({"LND_PAYING_MACAROON_PATH": "/srv/lnd/admin.macaroon"}, ["lightning.E003"]),
        ({"LND_READONLY_MACAROON_PATH": "/srv/lnd/paying.macaroon"}, ["lightning.E004"]),
        ({"PUBLIC_BASE_URL": "http://money.example.org"}, ["lightning.E006"]),
        ({"PUBLIC_BASE_URL": "https://money.example.org/"}, ["lightning.E006"]),
        ({"PUBLIC_BASE_URL": "https://"}, ["lightning.E006"]),
        ({"PUBLIC_BASE_URL": ""}, ["lightning.E006"]),
    ],
)
def test_checks_of_dangerous_settings_name_them(changes: dict[str, str], codes: list[str]) -> None:
    assert found(**changes) == codes


def test_checks_refuse_a_simulated_node(tmp_path: Path) -> None:
    ensure_certificate(tmp_path)
    assert found(LND_TLS_CERT_PATH=str(tmp_path / "tls.cert")) == ["lightning.E005"]


def test_checks_of_a_certificate_that_is_none_are_silent(tmp_path: Path) -> None:
    """Reading it is the client's business, and it names the setting."""
    (tmp_path / "tls.cert").write_text("no certificate")
    assert found(LND_TLS_CERT_PATH=str(tmp_path / "tls.cert")) == []


def test_every_lightning_setting_has_its_default() -> None:
    assert (base.LND_HOST, base.LND_NETWORK, base.LND_PAYMENT_TIMEOUT_SECONDS) == (
        "localhost:10009",
        "regtest",
        60,
    )
