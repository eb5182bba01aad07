"""How we reach the node: address, certificate, macaroons, each from its file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from lightning.client.errors import NodeMisconfigured


class Errand(StrEnum):
    """What a process may ask of the node: one macaroon each, with no right beyond it."""

    PAYING = "paying"
    INVOICING = "invoicing"
    READONLY = "readonly"


@dataclass(frozen=True)
class NodeAccess:
    """Where the node is and with which files we speak to it."""

    host: str
    network: str
    tls_cert_path: str
    macaroon_path: str
    tls_server_name: str = ""

    def certificate(self) -> bytes:
        return _read(self.tls_cert_path, "LND_TLS_CERT_PATH")

    def macaroon_hex(self) -> str:
        """Read the macaroon anew: it is small, and an operator may replace it at any time."""
        return _read(self.macaroon_path, "the macaroon path of this errand").hex()


def access_for(errand: Errand) -> NodeAccess:
    """Return the access that the settings give for an errand."""
    return NodeAccess(
        host=settings.LND_HOST,
        network=settings.LND_NETWORK,
        tls_cert_path=settings.LND_TLS_CERT_PATH,
        macaroon_path=getattr(settings, f"LND_{errand.name}_MACAROON_PATH"),
        tls_server_name=settings.LND_TLS_SERVER_NAME,
    )


def _read(path: str, setting: str) -> bytes:
    if not path:
        raise NodeMisconfigured(f"{setting} is not set")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise NodeMisconfigured(f"{setting}: {error.strerror}: {path}") from error
