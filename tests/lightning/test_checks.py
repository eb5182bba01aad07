"""The system checks name settings that must not reach production."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from lightning import checks
from lightning.macaroons import serialized
from sandbox.lnd.macaroons import BAKED, mint
from sandbox.lnd.tls import ensure_certificate
from sunusav.core.checks import require_web_holds_no_worker_secrets
from sunusav.settings import base

GOOD: dict[str, Any] = {
    "PUBLIC_BASE_URL": "https://money.example.org",
    "LND_NETWORK": "mainnet",
    "LND_TLS_CERT_PATH": "/srv/lnd/tls.cert",
    "LND_PAYING_MACAROON_PATH": "/srv/lnd/paying.macaroon",
    "LND_INVOICING_MACAROON_PATH": "/srv/lnd/invoicing.macaroon",
    "LND_READONLY_MACAROON_PATH": "",
    "LND_PAYING_MACAROON_HEX": "",
    "LND_INVOICING_MACAROON_HEX": "",
    "LND_READONLY_MACAROON_HEX": "",
}
NO_PATHS = {f"LND_{scope}_MACAROON_PATH": "" for scope in ("PAYING", "INVOICING", "READONLY")}
ALL_CHECKS = (
    checks.network_is_known,
    checks.certificate_is_given,
    checks.macaroons_are_narrow,
    checks.macaroons_are_given_once,
    checks.macaroons_have_no_forbidden_rights,
    checks.node_is_not_simulated,
    checks.public_base_url_is_https,
)


def found(**changes: Any) -> list[str]:
    with override_settings(**(GOOD | changes)):
        return [str(message.id) for check in ALL_CHECKS for message in check(None)]


def test_checks_good_settings_find_nothing() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"LND_NETWORK": "liquid"}, ["lightning.E001"]),
        ({"LND_TLS_CERT_PATH": ""}, ["lightning.E002"]),
        ({"LND_PAYING_MACAROON_PATH": "/srv/lnd/admin.macaroon"}, ["lightning.E003"]),
        ({"LND_READONLY_MACAROON_PATH": "/srv/lnd/paying.macaroon"}, ["lightning.E004"]),
        (
            NO_PATHS | {"LND_PAYING_MACAROON_HEX": "0201", "LND_READONLY_MACAROON_HEX": "0201"},
            ["lightning.E004"],
        ),
        ({"LND_INVOICING_MACAROON_HEX": "0201"}, ["lightning.E006"]),
        ({"PUBLIC_BASE_URL": "http://money.example.org"}, ["lightning.E008"]),
        ({"PUBLIC_BASE_URL": "https://money.example.org/"}, ["lightning.E008"]),
        ({"PUBLIC_BASE_URL": "https://"}, ["lightning.E008"]),
        ({"PUBLIC_BASE_URL": ""}, ["lightning.E008"]),
    ],
)
def test_checks_bad_settings_name_each_error(changes: dict[str, str], codes: list[str]) -> None:
    assert found(**changes) == codes


def baked(kind: str) -> str:
    return serialized(mint(b"k" * 32, BAKED[kind])).hex()


def test_checks_read_the_macaroons_of_this_process() -> None:
    kinds = {"PAYING": "paying", "INVOICING": "invoicing", "READONLY": "monitoring"}
    given = {f"LND_{scope}_MACAROON_HEX": baked(kind) for scope, kind in kinds.items()}
    assert found(**NO_PATHS, **given) == []


def test_checks_forbidden_rights_are_named_whatever_the_file_name(tmp_path: Path) -> None:
    file = tmp_path / "paying.macaroon"
    file.write_bytes(bytes.fromhex(baked("readonly")))
    with override_settings(**(GOOD | {"LND_PAYING_MACAROON_PATH": str(file)})):
        messages = checks.macaroons_have_no_forbidden_rights(None)
    assert {str(message.id) for message in messages} == {"lightning.E007"}
    assert any("onchain:read" in message.msg for message in messages)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (NO_PATHS, False),
        ({}, True),
        (NO_PATHS | {"LND_PAYING_MACAROON_HEX": "0201"}, True),
    ],
)
def test_web_process_with_paying_macaroon_does_not_start(changes: dict[str, str], *, refused: bool) -> None:
    with override_settings(**(GOOD | changes)):
        if not refused:
            require_web_holds_no_worker_secrets()
            return
        with pytest.raises(ImproperlyConfigured) as stopped:
            require_web_holds_no_worker_secrets()
    assert "LND_PAYING_MACAROON" in str(stopped.value)
    assert "0201" not in str(stopped.value)


WEB = [sys.executable, "-c", "import sunusav.wsgi"]


@pytest.mark.parametrize(("given", "status"), [("", 0), ("/srv/lnd/paying.macaroon", 1)])
def test_wsgi_with_paying_macaroon_does_not_import(given: str, status: int, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "sunusav.settings.local",
        "SUNUSAV_STATE_DIR": str(tmp_path),
        "LND_PAYING_MACAROON_PATH": given,
        "LND_PAYING_MACAROON_HEX": "",
    }
    done = subprocess.run(
        WEB, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert ("is set in a web process" in done.stderr) is bool(status)


def test_checks_simulated_node_is_refused(tmp_path: Path) -> None:
    ensure_certificate(tmp_path)
    assert found(LND_TLS_CERT_PATH=str(tmp_path / "tls.cert")) == ["lightning.E005"]


def test_checks_unreadable_certificate_find_nothing(tmp_path: Path) -> None:
    """The client reports it, with the name of the setting."""
    (tmp_path / "tls.cert").write_text("no certificate")
    assert found(LND_TLS_CERT_PATH=str(tmp_path / "tls.cert")) == []


def test_lightning_settings_have_defaults() -> None:
    assert (base.LND_HOST, base.LND_NETWORK, base.LND_PAYMENT_TIMEOUT_SECONDS) == (
        "localhost:10009",
        "regtest",
        60,
    )
